/* SPDX-License-Identifier: BSD-3-Clause */
/* Every schedule, for many shapes: complete, legal, within its memory bound, with its published bubble. */
#include <math.h>
#include <stdlib.h>

#include "check.h"
#include "schedule/schedule.h"

static const muir_shape shapes[] = {{1, 1, 1},   {1, 1, 5},   {2, 1, 1}, {2, 1, 7}, {4, 1, 2}, {4, 1, 4},
                                    {16, 1, 32}, {3, 1, 11},  {2, 2, 2}, {4, 2, 8}, {4, 3, 4}, {3, 5, 9},
                                    {8, 4, 16},  {16, 8, 16}, {1, 4, 3}, {5, 2, 10}};

typedef void (*with_order)(const muir_schedule *schedule, const muir_order *order);

/* Calls `what` for every schedule and shape that exist together. */
static void for_all(with_order what)
{
    int n = 0;
    for (int i = 0; i < muir_schedule_count(); i++)
        for (size_t k = 0; k < sizeof shapes / sizeof shapes[0]; k++) {
            muir_order *order = NULL;
            muir_ctx_clear(muir_test_ctx());
            if (muir_schedule_at(i)->check(muir_test_ctx(), shapes[k]) != MUIR_OK) continue;
            const muir_status st = muir_order_create(muir_test_ctx(), muir_schedule_at(i), shapes[k], &order);
            CU_ASSERT_EQUAL_FATAL(st, MUIR_OK);
            what(muir_schedule_at(i), order);
            muir_order_destroy(&order);
            n++;
        }
    muir_ctx_clear(muir_test_ctx());
    CU_ASSERT(n >= 20);
}

static size_t at(muir_shape s, int phase, int chunk, int microbatch)
{
    return ((size_t)phase * (size_t)(s.stages * s.chunks) + (size_t)chunk) * (size_t)s.microbatches +
           (size_t)microbatch;
}

/* Each forward and backward once; a forward after the chunk before, a backward after the chunk behind and its
 * own forward. */
static void check_legal(const muir_schedule *schedule, const muir_order *order)
{
    const muir_shape s = order->shape;
    const int chunks = s.stages * s.chunks;
    int *done = calloc(2 * (size_t)chunks * (size_t)s.microbatches, sizeof *done), wrong = 0;
    (void)schedule;
    for (int i = 0; i < order->n_steps; i++) {
        const muir_step *step = &order->steps[i];
        const int c = step->chunk, mb = step->microbatch;
        if (c % s.stages != step->stage) wrong++;
        if (step->phase == MUIR_FORWARD && c > 0 && !done[at(s, MUIR_FORWARD, c - 1, mb)]) wrong++;
        if (step->phase == MUIR_BACKWARD && c < chunks - 1 && !done[at(s, MUIR_BACKWARD, c + 1, mb)]) wrong++;
        if (step->phase == MUIR_BACKWARD && !done[at(s, MUIR_FORWARD, c, mb)]) wrong++;
        if (done[at(s, step->phase, c, mb)]++) wrong++;
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_EQUAL(order->n_steps, 2 * chunks * s.microbatches);
    free(done);
}

static void every_schedule_is_complete_and_legal(void)
{
    for_all(check_legal);
}

/* A register holds one result from its making to its only reading. */
static void check_registers(const muir_schedule *schedule, const muir_order *order)
{
    int *holds = calloc((size_t)order->n_registers + 1, sizeof *holds), wrong = 0;
    (void)schedule;
    for (int i = 0; i < order->n_steps; i++) {
        const muir_step *step = &order->steps[i];
        const int inner =
            step->phase == MUIR_FORWARD ? -1 : 1; /* the input is the neighbour's result of this microbatch */
        if (step->from >= 0) {
            const int made = holds[step->from] - 1;
            if (made < 0 || order->steps[made].microbatch != step->microbatch ||
                order->steps[made].phase != step->phase || order->steps[made].chunk != step->chunk + inner)
                wrong++;
            holds[step->from] = 0;
        }
        if (step->to >= 0) {
            if (holds[step->to]) wrong++;
            holds[step->to] = i + 1;
        }
    }
    for (int r = 0; r < order->n_registers; r++) wrong += holds[r] != 0;
    CU_ASSERT_EQUAL(wrong, 0);
    free(holds);
}

static void registers_hand_every_result_to_its_reader(void)
{
    for_all(check_registers);
}

static void check_memory(const muir_schedule *schedule, const muir_order *order)
{
    int held = 0, most = 0; /* microbatches of any chunk on the first stage */
    for (int i = 0; i < order->n_slots; i++) {
        held += order->slots[i].phase == MUIR_FORWARD ? 1 : -1;
        most = held > most ? held : most;
    }
    CU_ASSERT_EQUAL(held, 0);
    const int chunks = order->shape.chunks;
    CU_ASSERT_EQUAL((most + chunks - 1) / chunks, schedule->in_flight(order->shape));
}

static void first_stage_holds_what_the_schedule_says(void)
{
    for_all(check_memory);
}

/* Forward 1, backward 2, no messages: the makespan is busy time (1 + bubble). */
static void check_bubble(const muir_schedule *schedule, const muir_order *order)
{
    const muir_shape s = order->shape;
    double *ready = calloc((size_t)s.stages, sizeof *ready),
           *result = calloc((size_t)order->n_registers + 1, sizeof *result);
    double makespan = 0.0;
    for (int i = 0; i < order->n_steps; i++) {
        const muir_step *step = &order->steps[i];
        const double input = step->from >= 0 ? result[step->from] : 0.0;
        ready[step->stage] = fmax(ready[step->stage], input) + (step->phase == MUIR_FORWARD ? 1.0 : 2.0);
        if (step->to >= 0) result[step->to] = ready[step->stage];
        makespan = fmax(makespan, ready[step->stage]);
    }
    const double busy = 3.0 * s.microbatches * s.chunks;
    /* the formulas are for pipelines that fill: at least as many microbatches as stages */
    if (s.microbatches >= s.stages) CU_ASSERT_DOUBLE_EQUAL(makespan / busy - 1.0, schedule->bubble(s), 1e-12);
    free(ready);
    free(result);
}

static void bubbles_are_the_published_ones(void)
{
    for_all(check_bubble);
}

static void impossible_shapes_are_refused(void)
{
    muir_ctx *ctx = muir_test_ctx();
    muir_order *order = NULL;
    CU_ASSERT_EQUAL(muir_order_create(ctx, muir_schedule_find("1f1b"), (muir_shape){4, 2, 8}, &order),
                    MUIR_ERR_ARG);
    muir_ctx_clear(ctx);
    CU_ASSERT_EQUAL(muir_order_create(ctx, muir_schedule_find("interleaved"), (muir_shape){4, 2, 6}, &order),
                    MUIR_ERR_ARG);
    CU_ASSERT_STRING_EQUAL(
        ctx->message,
        "6 microbatches per replica are not a multiple of pp=4, which schedule interleaved needs");
    muir_ctx_clear(ctx);
    CU_ASSERT_PTR_NULL(muir_schedule_find("2f2b"));
    CU_ASSERT_PTR_NULL(order);
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"every schedule is complete and legal", every_schedule_is_complete_and_legal},
        {"registers hand every result to its reader", registers_hand_every_result_to_its_reader},
        {"first stage holds what the schedule says", first_stage_holds_what_the_schedule_says},
        {"bubbles are the published ones", bubbles_are_the_published_ones},
        {"impossible shapes are refused", impossible_shapes_are_refused},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "schedule", tests);
}
