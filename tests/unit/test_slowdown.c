/* SPDX-License-Identifier: BSD-3-Clause */
/* What is out of the ordinary in a step: slow chips, replicas that are down, servers that stand elsewhere. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "fleet_clock/slowdown.h"
#include "programs.h"

enum { LANES = 64, STEP = 7 };

static muir_scenario numbered_by(const char *order)
{
    return scenario_of("llama3-16k",
                       KEYS("parallel.dp=80", "parallel.pp=2", "parallel.vpp=1", "parallel.schedule=1f1b",
                            "fleet.servers=170", "parallel.tp=8", "global_batch_size=auto", order));
}

static muir_slowdown *slowdown_of(const muir_scenario *s)
{
    muir_slowdown *slowdown = NULL;
    const muir_slice all = {0, s->job.parallel.dp};
    CU_ASSERT_EQUAL_FATAL(muir_slowdown_create(muir_test_ctx(), s, all, &slowdown), MUIR_OK);
    return slowdown;
}

static float excess(const muir_slowdown *s, int stage, int64_t replica)
{
    const int64_t row = replica / LANES * s->stages + stage;
    return s->excess[row * LANES + replica % LANES];
}

/* Whether two are alike but for one group. */
static void check_others(const muir_slowdown *a, const muir_slowdown *b, int stage, int64_t replica)
{
    for (int s = 0; s < a->stages; s++)
        for (int64_t r = 0; r < a->replicas.n; r++)
            if (s != stage || r != replica) CU_ASSERT_EQUAL(excess(a, s, r), excess(b, s, r));
}

static void a_slow_chip_slows_its_group_and_no_other(void)
{
    static const char *const orders[] = {"parallel.order=tp-cp-dp-pp", "parallel.order=tp-cp-pp-dp"};
    for (int o = 0; o < 2; o++) {
        const muir_scenario s = numbered_by(orders[o]);
        muir_slowdown *plain = slowdown_of(&s), *disturbed = slowdown_of(&s);
        float servers[170] = {0.0f};
        const int64_t chip = muir_layout_chip(&s.job, 1, 66, 5);
        const muir_slow_chip slow = {chip, 1.5f};
        const muir_disturbance d = {.slow = &slow, .n_slow = 1, .unit_replicas = 1};
        muir_slowdown_step(plain, STEP, NULL, NULL, NULL);
        muir_slowdown_step(disturbed, STEP, &d, NULL, servers);
        const double expected = 1.5 / muir_chip_speed(&s, chip);
        CU_ASSERT_DOUBLE_EQUAL(1.0 + (double)excess(disturbed, 1, 66), expected, 1e-6);
        CU_ASSERT_DOUBLE_EQUAL((double)servers[chip / 8], expected, 1e-6);
        check_others(plain, disturbed, 1, 66);
        muir_slowdown_destroy(&plain);
        muir_slowdown_destroy(&disturbed);
    }
}

static void replicas_that_are_down_take_no_time(void)
{
    const muir_scenario s = numbered_by("parallel.order=tp-cp-dp-pp");
    muir_slowdown *slowdown = slowdown_of(&s);
    const int32_t down[] = {3, 33};
    const muir_disturbance d = {.down = down, .n_down = 2, .unit_replicas = 2};
    muir_slowdown_step(slowdown, STEP, &d, NULL, NULL);
    CU_ASSERT_EQUAL(slowdown->n_down, 4);
    for (int64_t r = 0; r < 80; r++) {
        const bool is_down = r == 6 || r == 7 || r == 66 || r == 67;
        CU_ASSERT_EQUAL(slowdown->is_down[r] != 0, is_down);
        CU_ASSERT_EQUAL(excess(slowdown, 0, r) == -1.0f, is_down);
    }
    muir_slowdown_step(slowdown, STEP, NULL, NULL, NULL); /* all are back */
    CU_ASSERT_EQUAL(slowdown->n_down, 0);
    for (int64_t r = 0; r < 80; r++) CU_ASSERT(!slowdown->is_down[r] && excess(slowdown, 0, r) > -0.5f);
    muir_slowdown_destroy(&slowdown);
}

/* A server that moves takes its chips' speeds and its drift along: the same as had it always stood there. */
static void a_server_takes_its_speed_along(void)
{
    const muir_scenario s = numbered_by("parallel.order=tp-cp-dp-pp");
    muir_slowdown *moved = slowdown_of(&s), *always = slowdown_of(&s), *plain = slowdown_of(&s);
    muir_servers *servers = NULL;
    float slowest[170] = {0.0f};
    CU_ASSERT_EQUAL_FATAL(muir_servers_create(muir_test_ctx(), &s, &servers), MUIR_OK);
    const int32_t slot = (int32_t)(muir_layout_chip(&s.job, 1, 70, 0) / 8);
    muir_slowdown_step(plain, STEP, NULL, NULL, NULL);
    moved->servers = always->servers = servers;
    muir_slowdown_step(moved, STEP, NULL, NULL, NULL); /* has drawn its drift already */
    muir_servers_drain(servers, slot, INT64_MAX, MUIR_SERVER_IN_REPAIR);
    CU_ASSERT_FATAL(muir_servers_fill(servers, slot));
    const int32_t spare = muir_servers_at(servers, slot);
    muir_slowdown_move(moved, slot);
    muir_slowdown_move(always, slot);
    muir_slowdown_step(moved, STEP, NULL, NULL, slowest);
    muir_slowdown_step(always, STEP, NULL, NULL, NULL);
    check_others(moved, always, -1, -1);
    check_others(moved, plain, 1, 70);
    CU_ASSERT(excess(moved, 1, 70) != excess(plain, 1, 70));
    CU_ASSERT(spare >= 160 && slowest[spare] > 0.5f && slowest[slot] == 0.0f);
    muir_servers_destroy(&servers);
    muir_slowdown_destroy(&moved);
    muir_slowdown_destroy(&always);
    muir_slowdown_destroy(&plain);
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"a slow chip slows its group and no other", a_slow_chip_slows_its_group_and_no_other},
        {"replicas that are down take no time", replicas_that_are_down_take_no_time},
        {"a server takes its speed along", a_server_takes_its_speed_along},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "slowdown", tests);
}
