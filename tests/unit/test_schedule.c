/* SPDX-License-Identifier: BSD-3-Clause */
/* Every schedule, for many shapes: complete, legal, within its memory bound, with its published bubble. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "schedule/order.h"

enum { MOST_STAGES = 9, MOST_CHUNKS = 4, MOST_MICROBATCHES = 22 };

typedef void (*with_order)(const muir_schedule *schedule, const muir_order *order);

static int try_shape(const muir_schedule *schedule, muir_shape shape, with_order what)
{
    muir_order *order = NULL;
    muir_ctx_clear(muir_test_ctx());
    if (schedule->check(muir_test_ctx(), shape) != MUIR_OK) return 0;
    const muir_status st = muir_order_create(muir_test_ctx(), schedule, shape, &order);
    if (st != MUIR_OK)
        fprintf(stderr, "%s, %d x %d, %d: %s\n", schedule->name, shape.stages, shape.chunks,
                shape.microbatches, muir_test_ctx()->message);
    CU_ASSERT_EQUAL_FATAL(st, MUIR_OK);
    what(schedule, order);
    muir_order_destroy(&order);
    return 1;
}

/* Calls `what` for every schedule and shape that exist together; each schedule exists for many. */
static void for_all(with_order what)
{
    for (int i = 0; i < muir_schedule_count(); i++) {
        int n = 0;
        for (int stages = 1; stages <= MOST_STAGES; stages++)
            for (int chunks = 1; chunks <= MOST_CHUNKS; chunks++)
                for (int m = 1; m <= MOST_MICROBATCHES; m++)
                    n += try_shape(muir_schedule_at(i), (muir_shape){stages, chunks, m}, what);
        CU_ASSERT(n >= 50);
    }
    muir_ctx_clear(muir_test_ctx());
}

/* What is done of a microbatch on a chunk, by a working-off of the lists that shares nothing with
 * muir_order. */
typedef struct board {
    const muir_order *order;
    char *done; /* [chunks of the pipeline, microbatches, phases] */
    int *next;  /* [stages] */
    int wrong;
} board;

static char *done_at(const board *b, int chunk, int microbatch, int phase)
{
    const size_t m = (size_t)b->order->shape.microbatches;
    return &b->done[((size_t)chunk * m + (size_t)microbatch) * MUIR_PHASE_COUNT + (size_t)phase];
}

/* Chunks there and back, or the other end of the pipeline, by hand. */
static int chunk_by_hand(const muir_order *order, int stage, int i)
{
    const int last = order->shape.stages - 1, way = i * order->shape.stages;
    switch (order->place) {
    case MUIR_PLACE_ROUND: return way + stage;
    case MUIR_PLACE_V: return i % 2 == 0 ? way + stage : way + last - stage;
    case MUIR_PLACE_MIRROR: return i == 0 ? stage : last - stage;
    }
    return -1;
}

/* A forward after the chunk before; a backward after the chunk behind and its own forward; a weight
 * gradient after its own backward; each once. False: the slot has to wait. */
static bool do_slot(board *b, int stage, const muir_slot *slot)
{
    const int last = b->order->shape.stages * b->order->shape.chunks - 1;
    const int c = chunk_by_hand(b->order, stage, slot->chunk), mb = slot->microbatch;
    if (c < 0 || c > last || mb < 0 || mb >= b->order->shape.microbatches) {
        b->wrong++;
        return true;
    }
    if (slot->phase == MUIR_FORWARD && c > 0 && !*done_at(b, c - 1, mb, MUIR_FORWARD)) return false;
    if (slot->phase == MUIR_BACKWARD && c < last && !*done_at(b, c + 1, mb, MUIR_BACKWARD)) return false;
    if (slot->phase == MUIR_BACKWARD) b->wrong += !*done_at(b, c, mb, MUIR_FORWARD);
    if (slot->phase == MUIR_WEIGHT) b->wrong += !*done_at(b, c, mb, MUIR_BACKWARD);
    b->wrong += slot->is_joined && slot->phase != MUIR_BACKWARD;
    b->wrong += (*done_at(b, c, mb, slot->phase))++ != 0;
    if (slot->is_joined) b->wrong += (*done_at(b, c, mb, MUIR_WEIGHT))++ != 0;
    return true;
}

static void check_legal(const muir_schedule *schedule, const muir_order *order)
{
    const muir_shape s = order->shape;
    const size_t all = (size_t)(s.stages * s.chunks * s.microbatches) * MUIR_PHASE_COUNT;
    board b = {.order = order, .done = calloc(all, 1), .next = calloc((size_t)s.stages, sizeof(int))};
    (void)schedule;
    for (bool is_moving = true; is_moving;) {
        is_moving = false;
        for (int stage = 0; stage < s.stages; stage++) {
            int n = 0;
            const muir_slot *slots = muir_order_slots(order, stage, &n);
            while (b.next[stage] < n && do_slot(&b, stage, &slots[b.next[stage]])) {
                b.next[stage]++;
                is_moving = true;
            }
        }
    }
    for (size_t i = 0; i < all; i++) b.wrong += b.done[i] != 1;
    CU_ASSERT_EQUAL(b.wrong, 0);
    free(b.done);
    free(b.next);
}

static void every_schedule_is_complete_and_legal(void)
{
    for_all(check_legal);
}

/* A register holds one result from its making to its only reading, by the neighbour as data goes. */
static void check_registers(const muir_schedule *schedule, const muir_order *order)
{
    const muir_step **holds = calloc((size_t)order->n_registers + 1, sizeof *holds);
    int wrong = 0, slots = 0;
    (void)schedule;
    for (int i = 0; i < order->n_steps; i++) {
        const muir_step *step = &order->steps[i];
        const int before = step->phase == MUIR_FORWARD ? -1 : 1;
        slots += step->work == MUIR_WORK_NONE ? 0 : step->work == MUIR_WORK_PAIR ? 2 : 1;
        if (step->from >= 0) {
            const muir_step *made = holds[step->from];
            wrong += !made || made->microbatch != step->microbatch || made->phase != step->phase ||
                     made->chunk != step->chunk + before || abs(made->stage - step->stage) != step->hops;
            holds[step->from] = NULL;
        }
        if (step->to >= 0) {
            wrong += holds[step->to] != NULL;
            holds[step->to] = step;
        }
    }
    for (int r = 0; r < order->n_registers; r++) wrong += holds[r] != NULL;
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_EQUAL(slots, order->first[order->shape.stages]);
    free(holds);
}

static void registers_hand_every_result_to_its_reader(void)
{
    for_all(check_registers);
}

/* No stage holds more than the source promises; with microbatches to fill the pipeline, one holds as much. */
static void check_memory(const muir_schedule *schedule, const muir_order *order)
{
    int held[MOST_STAGES], most = 0;
    const muir_shape s = order->shape;
    CU_ASSERT_EQUAL(muir_schedule_held(muir_test_ctx(), schedule, s, held), MUIR_OK);
    for (int stage = 0; stage < s.stages; stage++) most = held[stage] > most ? held[stage] : most;
    CU_ASSERT(most <= schedule->bound(s));
    if (s.microbatches >= 2 * s.stages) CU_ASSERT_EQUAL(most, schedule->bound(s));
}

static void no_stage_holds_more_than_promised(void)
{
    for_all(check_memory);
}

/* Activations of every stage, from the figures of the papers. */
static void stages_hold_what_the_papers_say(void)
{
    static const struct {
        const char *name;
        int chunks, held[8];
    } known[] = {{"gpipe", 1, {20, 20, 20, 20, 20, 20, 20, 20}},
                 {"1f1b", 1, {8, 7, 6, 5, 4, 3, 2, 1}},
                 {"zb-h1", 1, {8, 8, 8, 8, 8, 8, 8, 8}},
                 {"zb-v", 2, {16, 16, 16, 16, 16, 16, 16, 16}},
                 {"dualpipe", 1, {9, 9, 9, 9, 9, 9, 9, 9}}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        int held[8];
        const muir_schedule *schedule = muir_schedule_find(known[i].name);
        CU_ASSERT_PTR_NOT_NULL_FATAL(schedule);
        CU_ASSERT_EQUAL(
            muir_schedule_held(muir_test_ctx(), schedule, (muir_shape){8, known[i].chunks, 20}, held),
            MUIR_OK);
        CU_ASSERT_EQUAL(memcmp(held, known[i].held, sizeof held), 0);
    }
}

/* The makespan of the steps, and each stage's first start, last end and time at work. */
typedef struct timing {
    double makespan, first[MOST_STAGES], end[MOST_STAGES], busy[MOST_STAGES];
} timing;

static double duration_of(const muir_step *step, muir_equal_times t)
{
    const double phases[] = {t.forward, t.backward, t.weight};
    switch ((muir_work)step->work) {
    case MUIR_WORK_NONE: return 0.0;
    case MUIR_WORK_PHASE: return phases[step->phase];
    case MUIR_WORK_JOINED: return t.backward + t.weight;
    case MUIR_WORK_PAIR: return t.forward + t.backward + t.weight;
    }
    return NAN;
}

static timing time_of(const muir_order *order, muir_equal_times t)
{
    timing out = {.makespan = 0.0};
    double *result = calloc((size_t)order->n_registers + 1, sizeof *result);
    for (int i = 0; i < order->n_steps; i++) {
        const muir_step *step = &order->steps[i];
        const double input = step->from >= 0 ? result[step->from] : 0.0;
        const double start = fmax(out.end[step->stage], input), duration = duration_of(step, t);
        if (out.busy[step->stage] == 0.0 && duration > 0.0) out.first[step->stage] = start;
        out.busy[step->stage] += duration;
        out.end[step->stage] = start + duration;
        if (step->to >= 0) result[step->to] = start + duration;
        out.makespan = fmax(out.makespan, start + duration);
    }
    free(result);
    return out;
}

/* The formulas are for pipelines that fill: DualPipe asks for two microbatches a stage. */
static void check_idle(const muir_schedule *schedule, const muir_order *order, muir_equal_times t)
{
    const muir_shape s = order->shape;
    const timing timed = time_of(order, t);
    const double busy = (t.forward + t.backward + t.weight) * s.chunks * s.microbatches;
    for (int stage = 0; stage < s.stages; stage++)
        CU_ASSERT_DOUBLE_EQUAL(timed.busy[stage], busy, 1e-9 * busy);
    if (s.microbatches >= 2 * s.stages)
        CU_ASSERT_DOUBLE_EQUAL(timed.makespan - busy, schedule->idle(s, t), 1e-9 * busy);
}

static void check_idle_of_equal_slots(const muir_schedule *schedule, const muir_order *order)
{
    check_idle(schedule, order, (muir_equal_times){1.0, 1.0, 1.0});
}

/* ZB-V and DualPipe state theirs for slots of equal length. */
static void check_idle_of_unequal_slots(const muir_schedule *schedule, const muir_order *order)
{
    static const muir_equal_times times[] = {{1.0, 1.25, 0.75}, {2.0, 3.0, 2.0}, {3.0, 2.0, 2.0}};
    if (schedule->place != MUIR_PLACE_ROUND) return;
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) check_idle(schedule, order, times[i]);
}

static void bubbles_are_the_published_ones(void)
{
    for_all(check_idle_of_equal_slots);
    for_all(check_idle_of_unequal_slots);
}

static muir_order *order_of(const char *name, muir_shape shape)
{
    muir_order *order = NULL;
    CU_ASSERT_EQUAL_FATAL(muir_order_create(muir_test_ctx(), muir_schedule_find(name), shape, &order),
                          MUIR_OK);
    return order;
}

/* arXiv 2401.10241, section 2.1 and 6: a third of the bubble; and none between a stage's first and last
 * slot. */
static void zero_bubble_schedules_live_up_to_their_name(void)
{
    const muir_equal_times equal = {1.0, 1.0, 1.0};
    muir_order *plain = order_of("1f1b", (muir_shape){8, 1, 32}),
               *third = order_of("zb-h1", (muir_shape){8, 1, 32}),
               *none = order_of("zb-v", (muir_shape){8, 2, 32});
    const double busy = 3.0 * 32;
    CU_ASSERT_DOUBLE_EQUAL(time_of(third, equal).makespan - busy,
                           (time_of(plain, equal).makespan - busy) / 3.0, 1e-9);
    const timing v = time_of(none, equal);
    for (int stage = 0; stage < 8; stage++)
        CU_ASSERT_DOUBLE_EQUAL(v.end[stage] - v.first[stage], v.busy[stage], 1e-9);
    muir_order_destroy(&plain);
    muir_order_destroy(&third);
    muir_order_destroy(&none);
}

/* deepseek-ai/DualPipe, README: the table of bubbles. */
static void dualpipe_waits_as_its_authors_say(void)
{
    const muir_shape shape = {8, 1, 32};
    const muir_equal_times t = {1.0, 1.0, 1.0};
    CU_ASSERT_DOUBLE_EQUAL(muir_schedule_find("dualpipe")->idle(shape, t), 3.0 * (3.0 + 2.0 - 3.0), 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(muir_schedule_find("dualpipe")->idle(shape, (muir_equal_times){1.0, 1.25, 0.75}),
                           3.0 * (3.0 + 2.0 - 3.0 * 0.75), 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(muir_schedule_find("zb-h1")->idle(shape, t), 7.0, 1e-12);
}

static void a_stage_of_a_chunk_holds_that_chunk(void)
{
    static const muir_place places[] = {MUIR_PLACE_ROUND, MUIR_PLACE_V, MUIR_PLACE_MIRROR};
    for (size_t p = 0; p < 3; p++)
        for (int stages = 1; stages < 8; stages++) {
            const int chunks = places[p] == MUIR_PLACE_MIRROR ? stages : 4 * stages;
            const int copies = muir_place_copies(places[p]), held = chunks * copies / stages;
            for (int chunk = 0; chunk < chunks; chunk++)
                for (int copy = 0; copy < copies; copy++) {
                    const int stage = muir_place_stage(places[p], stages, chunk, copy);
                    int found = 0;
                    for (int i = 0; i < held; i++)
                        found += muir_place_chunk(places[p], stages, stage, i) == chunk;
                    CU_ASSERT(stage >= 0 && stage < stages);
                    CU_ASSERT(found >= 1);
                }
        }
}

static void expect_refusal(const char *name, muir_shape shape, const char *message)
{
    muir_ctx *ctx = muir_test_ctx();
    muir_order *order = NULL;
    CU_ASSERT_EQUAL(muir_order_create(ctx, muir_schedule_find(name), shape, &order), MUIR_ERR_ARG);
    CU_ASSERT_STRING_EQUAL(ctx->message, message);
    CU_ASSERT_PTR_NULL(order);
    muir_ctx_clear(ctx);
}

static void impossible_shapes_are_refused(void)
{
    expect_refusal("1f1b", (muir_shape){4, 2, 8},
                   "parallel.vpp=2, but schedule 1f1b has one chunk per stage (use interleaved)");
    expect_refusal("interleaved", (muir_shape){4, 2, 6},
                   "6 microbatches per replica are not a multiple of pp=4, which schedule interleaved needs");
    expect_refusal("zb-h1", (muir_shape){4, 2, 6},
                   "parallel.vpp=2, but schedule zb-h1 has one chunk per stage (use zb-v)");
    expect_refusal("zb-v", (muir_shape){4, 1, 6},
                   "parallel.vpp=1, but schedule zb-v needs 2 chunks per stage");
    expect_refusal("dualpipe", (muir_shape){5, 1, 6},
                   "parallel.pp=5 is odd, but schedule dualpipe needs an even number of stages");
    expect_refusal("dualpipe", (muir_shape){4, 1, 9},
                   "9 microbatches per replica are odd, but schedule dualpipe feeds as many from either end");
    CU_ASSERT_PTR_NULL(muir_schedule_find("2f2b"));
}

static muir_status check_nothing(muir_ctx *ctx, muir_shape shape)
{
    (void)ctx, (void)shape;
    return MUIR_OK;
}

/* The first stage wants the backward, which needs a forward that the first stage has not done. */
static int emit_backwards_first(muir_shape shape, int stage, muir_slot *slots)
{
    const int is_last = stage == shape.stages - 1;
    slots[!is_last] = (muir_slot){.phase = MUIR_FORWARD};
    slots[is_last] = (muir_slot){.phase = MUIR_BACKWARD, .is_joined = true};
    return 2;
}

static void lists_that_never_end_are_found_out(void)
{
    const muir_schedule impossible = {
        .name = "impossible", .check = check_nothing, .emit = emit_backwards_first};
    muir_order *order = NULL;
    CU_ASSERT_EQUAL(muir_order_create(muir_test_ctx(), &impossible, (muir_shape){3, 1, 1}, &order),
                    MUIR_ERR_CHECK);
    CU_ASSERT_PTR_NULL(order);
    muir_ctx_clear(muir_test_ctx());
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"every schedule is complete and legal", every_schedule_is_complete_and_legal},
        {"registers hand every result to its reader", registers_hand_every_result_to_its_reader},
        {"no stage holds more than promised", no_stage_holds_more_than_promised},
        {"stages hold what the papers say", stages_hold_what_the_papers_say},
        {"bubbles are the published ones", bubbles_are_the_published_ones},
        {"zero-bubble schedules live up to their name", zero_bubble_schedules_live_up_to_their_name},
        {"DualPipe waits as its authors say", dualpipe_waits_as_its_authors_say},
        {"a stage of a chunk holds that chunk", a_stage_of_a_chunk_holds_that_chunk},
        {"impossible shapes are refused", impossible_shapes_are_refused},
        {"lists that never end are found out", lists_that_never_end_are_found_out},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "schedule", tests);
}
