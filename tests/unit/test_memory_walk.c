/* SPDX-License-Identifier: BSD-3-Clause */
/* Chunks in flight, the walk over a stage's slots, and verdicts. */
#include <math.h>

#include "check.h"
#include "memory/fit.h"
#include "memory/timeline.h"
#include "programs.h"

/* The lists say how many chunks are in flight; muir_schedule_held counts the same. */
static void loads_are_those_of_the_lists(void)
{
    const muir_shape shapes[] = {{4, 1, 16}, {4, 2, 16}, {8, 1, 32}, {1, 1, 4}};
    for (int i = 0; i < muir_schedule_count(); i++)
        for (size_t j = 0; j < sizeof shapes / sizeof shapes[0]; j++) {
            const muir_schedule *schedule = muir_schedule_at(i);
            muir_memory_load load = {0, 0, NULL, NULL};
            int held[8];
            if (schedule->check(muir_test_ctx(), shapes[j]) != MUIR_OK) {
                muir_ctx_clear(muir_test_ctx());
                continue;
            }
            CU_ASSERT_EQUAL_FATAL(muir_memory_load_make(muir_test_ctx(), schedule, shapes[j], &load),
                                  MUIR_OK);
            CU_ASSERT_EQUAL_FATAL(muir_schedule_held(muir_test_ctx(), schedule, shapes[j], held), MUIR_OK);
            for (int stage = 0; stage < load.stages; stage++) {
                int most = 0;
                for (int c = 0; c < load.chunks; c++) {
                    const int at = stage * load.chunks + c;
                    if (load.forward[at] > most) most = load.forward[at];
                    CU_ASSERT(load.backward[at] >= 1 && load.backward[at] <= held[stage]);
                }
                CU_ASSERT_EQUAL(most, held[stage]);
            }
            muir_memory_load_free(&load);
        }
}

typedef struct walked {
    muir_scenario scenario;
    muir_program *program;
    muir_order *order;
    muir_memory_load load;
    int stages;
} walked;

static walked walked_of(const char *const *keys)
{
    walked w = {.scenario = scenario_of(NULL, keys)};
    const muir_parallel *p = &w.scenario.job.parallel;
    const muir_shape shape = {(int)p->pp, (int)p->vpp, (int)w.scenario.job.microbatches};
    const muir_schedule *schedule = muir_schedule_find(p->schedule);
    w.stages = shape.stages;
    w.program = program_of(&w.scenario);
    CU_ASSERT_EQUAL_FATAL(muir_order_create(muir_test_ctx(), schedule, shape, &w.order), MUIR_OK);
    CU_ASSERT_EQUAL_FATAL(muir_memory_load_make(muir_test_ctx(), schedule, shape, &w.load), MUIR_OK);
    return w;
}

static void forget(walked *w)
{
    muir_memory_load_free(&w->load);
    muir_order_destroy(&w->order);
    muir_program_destroy(&w->program);
}

/* The fullest slot of each stage is the peak that is reported, and never less than the state. */
static void peaks_are_in_the_timeline(const walked *w)
{
    for (int stage = 0; stage < w->stages; stage++) {
        static muir_memory_slot slots[1024];
        const muir_memory m = muir_memory_of_stage(&w->scenario.job, w->program, w->order, stage);
        double most = 0.0;
        int n = 0;
        const muir_slot *list = muir_order_slots(w->order, stage, &n);
        CU_ASSERT_FATAL(n <= 1024);
        muir_memory_timeline(&w->scenario.job, w->program, stage, list, n, slots);
        for (int k = 0; k < n; k++) {
            most = fmax(most, slots[k].allocated);
            CU_ASSERT(slots[k].allocated > m.state);
        }
        CU_ASSERT_DOUBLE_EQUAL(most / m.allocated, 1.0, 1e-9);
    }
}

static void the_timeline_has_the_peak(void)
{
    static const char *const schedules[] = {"parallel.schedule=1f1b", "parallel.schedule=gpipe",
                                            "parallel.schedule=zb-h1", "parallel.schedule=interleaved",
                                            "parallel.schedule=dualpipe"};
    for (size_t i = 0; i < sizeof schedules / sizeof schedules[0]; i++) {
        const char *const keys[] = {"fleet=dgx-h100",
                                    "fleet.servers=8",
                                    "model=llama3-70b",
                                    "parallel.tp=4",
                                    "parallel.pp=8",
                                    "parallel.dp=2",
                                    "seq_len=4096",
                                    "global_batch_size=64",
                                    "stack=standard",
                                    schedules[i],
                                    i == 3 ? "parallel.vpp=2" : "parallel.vpp=1",
                                    NULL};
        walked w = walked_of(keys);
        peaks_are_in_the_timeline(&w);
        const muir_job *job = &w.scenario.job;
        CU_ASSERT_DOUBLE_EQUAL(muir_memory_screen(job, w.program, &w.load).total /
                                   muir_memory_of(job, w.program, w.order).total,
                               1.0, 1e-9);
        forget(&w);
    }
}

/* 80 layers, embedding and head in 6 chunks of 13 or 14: the screening is near. */
static void chunks_of_several_sizes_count_as_what_they_keep(void)
{
    static const char *const keys[] = {"fleet=dgx-h100",
                                       "fleet.servers=9",
                                       "model=llama3-70b",
                                       "parallel.tp=8",
                                       "parallel.pp=3",
                                       "parallel.vpp=2",
                                       "parallel.dp=3",
                                       "parallel.schedule=interleaved",
                                       "seq_len=4096",
                                       "global_batch_size=36",
                                       "micro_batch_size=1",
                                       "stack=standard",
                                       NULL};
    walked w = walked_of(keys);
    const muir_job *job = &w.scenario.job;
    int64_t least = 0, most = 0;
    muir_program_layers(w.program, &least, &most);
    CU_ASSERT(least < most);
    peaks_are_in_the_timeline(&w);
    CU_ASSERT_DOUBLE_EQUAL(muir_memory_screen(job, w.program, &w.load).total /
                               muir_memory_of(job, w.program, w.order).total,
                           1.0, 0.03);
    forget(&w);
}

static void verdicts_follow_the_room(void)
{
    const muir_chip chip = {.hbm_bytes = 100.0, .driver_bytes = 95.0};
    const muir_chip plain = {.hbm_bytes = 100.0};
    const muir_memory small = {.needed = 70.0, .total = 90.0}, tight = {.needed = 90.0, .total = 105.0},
                      large = {.needed = 120.0, .total = 140.0}, middle = {.needed = 95.0, .total = 99.0},
                      above = {.needed = 95.5, .total = 99.0};
    CU_ASSERT_EQUAL(muir_chip_room(&chip), 95.0);
    CU_ASSERT_EQUAL(muir_chip_room(&plain), 100.0);
    CU_ASSERT_EQUAL(muir_memory_fit_of(&small, &chip).verdict, MUIR_FITS);
    CU_ASSERT_EQUAL(muir_memory_fit_of(&tight, &chip).verdict, MUIR_TIGHT);
    CU_ASSERT_EQUAL(muir_memory_fit_of(&large, &chip).verdict, MUIR_DOES_NOT_FIT);
    CU_ASSERT_EQUAL(muir_memory_fit_of(&above, &chip).verdict, MUIR_DOES_NOT_FIT); /* never only tight */
    CU_ASSERT_EQUAL(muir_memory_fit_of(&tight, &chip).headroom, 0.0); /* the allocator gives back */
    CU_ASSERT_EQUAL(muir_memory_fit_of(&large, &chip).headroom, -25.0);
    CU_ASSERT_DOUBLE_EQUAL(muir_memory_fit_of(&middle, &chip).failing, 0.5, 1e-12);
    CU_ASSERT_EQUAL(muir_memory_fit_of(&small, &chip).headroom, 5.0);
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"loads are those of the lists", loads_are_those_of_the_lists},
        {"the timeline has the peak", the_timeline_has_the_peak},
        {"chunks of several sizes count as what they keep", chunks_of_several_sizes_count_as_what_they_keep},
        {"verdicts follow the room", verdicts_follow_the_room},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "memory, slot by slot", tests);
}
