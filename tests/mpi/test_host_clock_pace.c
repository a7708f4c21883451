/* SPDX-License-Identifier: BSD-3-Clause */
/* The host clock's pace, overlap, bit flips and traces: timetables against closed forms, and executed
 * steps. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "step_time/slot_times.h"
#include "host_clock/host_clock.h"
#include "run/times.h"

/* What a test needs of a launch. */
typedef struct rig {
    muir_scenario scenario;
    muir_program *program;
    muir_slot_times *slot_times;
    muir_host_times times;
    muir_fold fold;
    muir_host_clock *clock;
} rig;

static void set_up(rig *r, const char *name, const char *const *overrides, int n)
{
    muir_ctx *ctx = muir_test_ctx();
    memset(r, 0, sizeof *r);
    CU_ASSERT_EQUAL_FATAL(muir_scenario_load(ctx, name, overrides, n, &r->scenario), MUIR_OK);
    CU_ASSERT_EQUAL_FATAL(muir_program_create(ctx, &r->scenario.job, &r->program), MUIR_OK);
    CU_ASSERT_EQUAL_FATAL(muir_slot_times_create(ctx, &r->scenario, r->program, &r->slot_times), MUIR_OK);
    muir_times_fill(&r->scenario, r->program, r->slot_times, &r->times);
    r->fold = muir_fold_make(&r->scenario, ctx->size, ctx->rank);
    const muir_status made =
        muir_host_clock_create(ctx, &r->scenario, r->program, &r->fold, &r->times, &r->clock);
    if (made != MUIR_OK) fprintf(stderr, "%s\n", ctx->message);
    CU_ASSERT_EQUAL_FATAL(made, MUIR_OK);
}

static void tear_down(rig *r)
{
    muir_host_clock_destroy(&r->clock);
    muir_slot_times_destroy(&r->slot_times);
    muir_program_destroy(&r->program);
}

static bool is_member(const rig *r)
{
    return r->fold.place[0] >= 0;
}

static void paces_are_read_or_refused(void)
{
    muir_ctx *ctx = muir_test_ctx();
    static const char *const wrong[] = {"dilate",     "dilate:", "dilate:0", "dilate:-1",  "dilate:2x",
                                        "dilate:nan", "fast",    "",         "dilate:1e99"};
    double x = 7.0;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        CU_ASSERT_EQUAL(muir_pace_parse(ctx, wrong[i], &x), MUIR_ERR_ARG);
        CU_ASSERT_EQUAL(x, 7.0);
        CU_ASSERT_PTR_NOT_NULL(strstr(ctx->message, "must be asap or dilate:X"));
        muir_ctx_clear(ctx);
    }
    CU_ASSERT_EQUAL(muir_pace_parse(ctx, "asap", &x), MUIR_OK);
    CU_ASSERT_EQUAL(x, 0.0);
    CU_ASSERT_EQUAL(muir_pace_parse(ctx, "dilate:0.02", &x), MUIR_OK);
    CU_ASSERT_EQUAL(x, 0.02);
}

/* One block of one forward op of 1 s and one backward of 2 s: 1F1B takes (m + s - 1) (1 + 2) s. */
static void a_timetable_is_the_schedule_drawn_out(void)
{
    muir_ctx *ctx = muir_test_ctx();
    enum { STAGES = 4, MICROBATCHES = 8 };
    const muir_shape shape = {STAGES, 1, MICROBATCHES};
    muir_program *program = calloc(1, sizeof *program);
    muir_op_range none[STAGES] = {{0, 0}};
    muir_chunk chunks[STAGES];
    muir_order *order = NULL;
    static muir_host_times times; /* large */
    memset(&times, 0, sizeof times);
    program->n_ops = 2;
    program->n_blocks = 3;
    program->n_stages = program->n_chunks = STAGES;
    program->chunks = chunks;
    for (int i = 0; i < STAGES; i++) chunks[i] = (muir_chunk){.first_layer = i, .n_layers = 1};
    program->blocks[0].role = MUIR_BLOCK_FIRST;
    program->blocks[1].role = MUIR_BLOCK_LAYER;
    program->blocks[1].layers = (muir_layers){0, STAGES, 1, 0};
    program->blocks[2].role = MUIR_BLOCK_LAST;
    program->sync_ops = program->update_ops = none;
    program->blocks[1].phase[MUIR_FORWARD] = (muir_op_range){0, 1};
    program->blocks[1].phase[MUIR_BACKWARD] = (muir_op_range){1, 1};
    times.op_s[0] = times.exposed_s[0] = 1.0;
    times.op_s[1] = times.exposed_s[1] = 2.0;
    CU_ASSERT_EQUAL_FATAL(muir_order_create(ctx, muir_schedule_find("1f1b"), shape, &order), MUIR_OK);
    for (int stage = 0; stage < STAGES; stage++) {
        muir_pace *pace = NULL;
        CU_ASSERT_EQUAL_FATAL(muir_pace_create(ctx, program, order, stage, 10.0, &times, false, false, &pace),
                              MUIR_OK);
        CU_ASSERT_DOUBLE_EQUAL(pace->slot_s[0], 10.0 * stage, 1e-9);
        CU_ASSERT_DOUBLE_EQUAL(pace->sync_s, 10.0 * ((MICROBATCHES + STAGES - 1) * 3.0 - 2.0 * stage), 1e-9);
        CU_ASSERT_DOUBLE_EQUAL(pace->step_s, 10.0 * (MICROBATCHES + STAGES - 1) * 3.0, 1e-9);
        muir_pace_destroy(&pace);
    }
    muir_order_destroy(&order);
    free(program);
}

static void percentiles_come_to_a_class(void)
{
    muir_histogram h;
    memset(&h, 0, sizeof h);
    CU_ASSERT(isnan(muir_histogram_percentile(&h, 0.5)));
    for (int i = 1; i <= 1000; i++) muir_histogram_add(&h, 1e-6 * i);
    muir_histogram_add(&h, 0.0);
    muir_histogram_add(&h, 1e30);
    const double p50 = muir_histogram_percentile(&h, 0.5), p99 = muir_histogram_percentile(&h, 0.99);
    CU_ASSERT(p50 >= 500e-6 && p50 <= 500e-6 * 1.0443);
    CU_ASSERT(p99 >= 990e-6 && p99 <= 992e-6 * 1.0443);
}

static int64_t count(const muir_histogram *h)
{
    int64_t n = 0;
    for (int i = 0; i < MUIR_CLASSES; i++) n += h->n[i];
    return n;
}

/* No step ends before its timetable, every op is held against it, and results stay right. */
static void dilated_steps_keep_their_timetable(void)
{
    static const char *const plain[] = {"host.pace=dilate:2", "telemetry.trace_steps=1"};
    static const char *const hidden[] = {"host.pace=dilate:2", "telemetry.trace_steps=1",
                                         "host.overlap=true"};
    for (int i = 0; i < 2; i++) {
        rig r;
        muir_host_row row;
        set_up(&r, "tiny", i == 0 ? plain : hidden, i == 0 ? 2 : 3);
        CU_ASSERT_EQUAL(muir_host_clock_step(muir_test_ctx(), r.clock, 0, &row), MUIR_OK);
        CU_ASSERT_EQUAL(row.tally.wrong, 0);
        if (is_member(&r)) {
            const muir_rhythm *rhythm = muir_host_clock_rhythm(r.clock);
            const muir_trace *trace = muir_host_clock_trace(r.clock, 0);
            CU_ASSERT_PTR_NOT_NULL_FATAL(trace);
            int64_t ops = 0;
            for (size_t k = 0; k < trace->n; k++) ops += trace->rows[k].op < r.program->n_ops;
            CU_ASSERT(row.step_s >= muir_host_clock_facts(r.clock)->planned_step_s);
            CU_ASSERT(row.rhythm_p99_s >= row.rhythm_p50_s);
            if (i == 0) CU_ASSERT_EQUAL(count(&rhythm->absolute), ops);
            CU_ASSERT(count(&rhythm->absolute) > 0);
        }
        tear_down(&r);
    }
}

/* A timetable that this machine cannot keep is missed, and says so. */
static void a_timetable_that_is_too_fast_is_late(void)
{
    static const char *const overrides[] = {"host.pace=dilate:1e-6"};
    rig r;
    muir_host_row row;
    set_up(&r, "tiny", overrides, 1);
    CU_ASSERT_EQUAL(muir_host_clock_step(muir_test_ctx(), r.clock, 0, &row), MUIR_OK);
    CU_ASSERT_EQUAL(row.tally.wrong, 0);
    CU_ASSERT_EQUAL(is_member(&r), row.rhythm_p50_s > 0.0);
    if (is_member(&r)) CU_ASSERT(row.rhythm_p50 > 1.0);
    tear_down(&r);
}

/* Bytes of the collectives and messages of one traced step. */
static double traced_bytes(const rig *r, const muir_tally *tally)
{
    double bytes = 0.0;
    const muir_trace *trace = muir_host_clock_trace(r->clock, 0);
    for (size_t i = 0; trace && i < trace->n; i++) {
        CU_ASSERT(trace->rows[i].end_s >= trace->rows[i].start_s);
        if (trace->rows[i].op != r->program->n_ops) bytes += trace->rows[i].bytes; /* but those received */
    }
    CU_ASSERT_DOUBLE_EQUAL(bytes, tally->coll_bytes + tally->p2p_bytes, 0.5);
    return bytes;
}

/* is_off: also without overlap. */
static void check_overlap(const char *const *layout, int n, bool is_off)
{
    const char *overrides[12];
    for (int i = 0; i < n; i++) overrides[i] = layout[i];
    overrides[n] = "telemetry.trace_steps=1";
    overrides[n + 1] = "host.budget=0.005";
    for (int is_on = is_off ? 0 : 1; is_on < 2; is_on++) {
        rig r;
        muir_host_row row;
        overrides[n + 2] = is_on ? "host.overlap=true" : "host.overlap=false";
        set_up(&r, "tiny", overrides, n + 3);
        for (int64_t step = 0; step < 2; step++) {
            CU_ASSERT_EQUAL(muir_host_clock_step(muir_test_ctx(), r.clock, step, &row), MUIR_OK);
            CU_ASSERT_EQUAL(row.tally.wrong, 0);
            if (step == 0) traced_bytes(&r, &row.tally);
        }
        const bool has_hidden = is_member(&r) && r.fold.mesh[MUIR_MESH_DP] * r.fold.mesh[MUIR_MESH_TP] > 1;
        CU_ASSERT_EQUAL(row.tally.flight_s > 0.0, has_hidden && is_on);
        CU_ASSERT_EQUAL(row.tally.exposed_s > 0.0, has_hidden);
        tear_down(&r);
    }
}

static void hidden_collectives_come_out_right(void)
{
    static const char *const pipeline[] = {"parallel.dp=2", "parallel.pp=2"};
    static const char *const interleaved[] = {"parallel.schedule=interleaved", "parallel.vpp=2"};
    static const char *const tensor[] = {"parallel.tp=2", "parallel.pp=1", "parallel.dp=2",
                                         "parallel.overlap_tp=true"};
    static const char *const mixed[] = {"parallel.tp=2", "parallel.pp=1", "parallel.dp=2",
                                        "parallel.overlap_tp=true", "host.all_gather=shared"};
    check_overlap(pipeline, 2, true);
    check_overlap(interleaved, 2, false);
    check_overlap(tensor, 4, false);
    check_overlap(mixed, 5, false);
}

/* The flips of a few steps are all planted and caught, are the same in another clock, and no check is no
 * catch. */
static void planted_flips_are_caught_where_one_looks(void)
{
    enum { STEPS = 3, RATE = 16 };
    static const char *const overrides[] = {"host.budget=0.002", "host.flips=16", "host.check=true"};
    static const char *const blind[] = {"host.budget=0.002", "host.flips=16", "host.check=false"};
    muir_flip first[STEPS][RATE];
    for (int run = 0; run < 3; run++) {
        rig r;
        int64_t planted = 0, caught = 0, zero_signs = 0;
        set_up(&r, "tiny", run < 2 ? overrides : blind, 3);
        for (int64_t step = 0; step < STEPS; step++) {
            muir_host_row row;
            CU_ASSERT_EQUAL(muir_host_clock_step(muir_test_ctx(), r.clock, step, &row), MUIR_OK);
            CU_ASSERT_EQUAL(row.tally.wrong, 0);
            const muir_flips *flips = muir_host_clock_flips(r.clock);
            CU_ASSERT_EQUAL_FATAL(flips->n, RATE);
            for (int i = 0; i < RATE; i++) {
                const muir_flip *f = &flips->flip[i];
                planted += f->is_planted;
                caught += f->is_caught;
                zero_signs += f->is_planted && !f->is_caught && f->bit == 31;
                CU_ASSERT_EQUAL(f->step, step);
                CU_ASSERT(f->rank >= 0 && f->rank < r.fold.mesh_ranks);
                CU_ASSERT_EQUAL(f->is_checked, run < 2);
                if (run == 0) first[step][i] = *f;
                if (run == 1)
                    CU_ASSERT_EQUAL(f->bit + 32 * f->rank, first[step][i].bit + 32 * first[step][i].rank);
            }
        }
        CU_ASSERT_EQUAL(planted, STEPS * RATE);
        if (run < 2) CU_ASSERT_EQUAL(caught + zero_signs, planted); /* -0 equals 0 */
        if (run == 2) CU_ASSERT_EQUAL(caught, 0);
        tear_down(&r);
    }
}

/* And every rank says where it runs. */
static void fewer_checks_look_at_fewer_results(void)
{
    static const char *const some[] = {"host.budget=0.002", "host.check_every=8"};
    static const char *const none[] = {"host.budget=0.002", "host.check=false", "host.bind=off"};
    rig r;
    muir_host_row row;
    set_up(&r, "tiny", some, 2);
    int64_t checked = 0;
    for (int64_t step = 0; step < 8; step++) {
        CU_ASSERT_EQUAL(muir_host_clock_step(muir_test_ctx(), r.clock, step, &row), MUIR_OK);
        CU_ASSERT_EQUAL(row.tally.wrong, 0);
        checked += row.tally.checked;
    }
    CU_ASSERT_EQUAL(checked > 0, is_member(&r));
    tear_down(&r);
    int64_t looked_at = 0;
    for (uint32_t salt = 0; salt < 8000; salt++) looked_at += muir_host_is_checked(&r.scenario, salt);
    CU_ASSERT(looked_at > 800 && looked_at < 1200);
    set_up(&r, "tiny", none, 3);
    CU_ASSERT_PTR_NOT_NULL(strstr(muir_host_clock_facts(r.clock)->binding, "processors "));
    CU_ASSERT_PTR_NULL(strstr(muir_host_clock_facts(r.clock)->binding, "bound by muir"));
    CU_ASSERT_EQUAL(muir_host_clock_step(muir_test_ctx(), r.clock, 0, &row), MUIR_OK);
    CU_ASSERT_EQUAL(row.tally.checked, 0);
    tear_down(&r);
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"paces are read or refused", paces_are_read_or_refused},
        {"a timetable is the schedule drawn out", a_timetable_is_the_schedule_drawn_out},
        {"percentiles come to a class", percentiles_come_to_a_class},
        {"dilated steps keep their timetable", dilated_steps_keep_their_timetable},
        {"a timetable that is too fast is late", a_timetable_that_is_too_fast_is_late},
        {"hidden collectives come out right", hidden_collectives_come_out_right},
        {"planted flips are caught where one looks", planted_flips_are_caught_where_one_looks},
        {"fewer checks look at fewer results", fewer_checks_look_at_fewer_results},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "host_clock_pace", tests);
}
