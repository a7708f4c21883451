/* SPDX-License-Identifier: BSD-3-Clause */
/* Scenarios: loading, overriding, refusing with one sentence, and the fold. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "models/program.h"
#include "programs.h"
#include "scenario/fold.h"
#include "scenario/scenario.h"

static void shipped_scenarios_load(void)
{
    static const struct {
        const char *name;
        int64_t fleet_chips, job_chips, microbatches;
    } shipped[] = {{"rainier-1f1b", 500032, 499712, 32},
                   {"rainier", 500032, 499712, 16},
                   {"rainier-1m", 1000000, 999424, 16},
                   {"llama3-16k", 16384, 16384, 16},
                   {"tiny", 4, 4, 8}};
    for (size_t i = 0; i < sizeof shipped / sizeof shipped[0]; i++) {
        muir_scenario s;
        CU_ASSERT_EQUAL(try_scenario(shipped[i].name, NULL, NULL, &s), MUIR_OK);
        CU_ASSERT_EQUAL(muir_fleet_chips(&s.fleet), shipped[i].fleet_chips);
        CU_ASSERT_EQUAL(muir_job_chips(&s.job), shipped[i].job_chips);
        CU_ASSERT_EQUAL(s.spare_chips, shipped[i].fleet_chips - shipped[i].job_chips);
        CU_ASSERT_EQUAL(s.job.microbatches, shipped[i].microbatches);
        CU_ASSERT_STRING_EQUAL(s.name, shipped[i].name);
    }
}

static void overrides_reach_every_file(void)
{
    static const char *const overrides[] = {"steps=7",
                                            "parallel.dp=12",
                                            "fleet.fabric.oversubscription=4",
                                            "model.layers=64",
                                            "chip.tdp_w=600",
                                            "host.every=0",
                                            NULL};
    muir_scenario s;
    CU_ASSERT_EQUAL(try_scenario("rainier-1f1b", overrides, NULL, &s), MUIR_OK);
    CU_ASSERT_EQUAL(s.run.steps, 7);
    CU_ASSERT_EQUAL(s.job.parallel.dp, 12);
    CU_ASSERT_EQUAL(s.fleet.fabric.oversubscription, 4.0);
    CU_ASSERT_EQUAL(s.job.model.layers, 64);
    CU_ASSERT_EQUAL(s.fleet.chip.tdp_w, 600.0);
    CU_ASSERT_EQUAL(s.host.every, 0);
}

static void all_ranks_hold_the_same_scenario(void)
{
    muir_ctx *ctx = muir_test_ctx();
    muir_scenario mine, roots;
    CU_ASSERT_EQUAL(try_scenario("rainier-1f1b", NULL, NULL, &mine), MUIR_OK);
    roots = mine;
    MPI_Bcast(&roots, (int)sizeof roots, MPI_BYTE, 0, ctx->comm);
    CU_ASSERT(memcmp(&mine, &roots, sizeof mine) == 0);
}

static void impossible_layouts_are_one_sentence(void)
{
    static const struct {
        const char *override[3];
        const char *message;
    } wrong[] = {
        {{"parallel.dp=489", "seed=1"},
         "tp=64 x cp=1 x pp=16 x dp=489 needs 500736 chips, but fleet rainier-500k has 500032"},
        {{"parallel.tp=48", "seed=1"}, "parallel.tp=48 does not divide model.heads=256"},
        {{"parallel.pp=256", "seed=1"},
         "model.layers=160 are too few for pp=256 x vpp=1 chunks (embedding and head may fill a chunk each)"},
        {{"global_batch_size=1000", "parallel.dp=488"},
         "global_batch_size=1000 is not a multiple of dp=488 x micro_batch_size=1"},
        {{"parallel.vpp=2", "seed=1"},
         "parallel.vpp=2, but schedule 1f1b has one chunk per stage (use interleaved)"},
        {{"modle=x", "seed=1"},
         "argument modle=x: unknown key 'modle', did you mean 'model'? (muir help scenario lists the keys)"},
        {{"parallel.tp=eight", "seed=1"},
         "argument parallel.tp=eight: parallel.tp is 'eight', but must be a whole number: 1..1000000 chips"},
        {{"fleet.servers=0", "seed=1"},
         "argument fleet.servers=0: servers is '0', but must be a whole number: 1..100000000 servers"},
        {{"steps", "seed=1"}, "argument 'steps' is not of the form key=value"},
        {{"steps=5", "days=2"},
         "steps=5 and days=2 are both given, but one sets the other: give one of them"},
        {{"parallel.ep=2", "seed=1"}, "parallel.ep=2, but a dense model has no experts"},
        {{"parallel.schedule=2f2b", "seed=1"},
         "parallel.schedule '2f2b' is unknown; known: gpipe, 1f1b, interleaved, zb-h1, zb-v, dualpipe"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        muir_scenario s;
        CU_ASSERT_EQUAL(try_scenario("rainier-1f1b", wrong[i].override, NULL, &s), MUIR_ERR_ARG);
        CU_ASSERT_STRING_EQUAL(muir_test_ctx()->message, wrong[i].message);
    }
    muir_ctx_clear(muir_test_ctx());
}

/* Writes text to a file on rank 0, loads it everywhere, and compares the message; one that ends in a list of
 * known names is given without it. */
static void check_file(const char *text, const char *message)
{
    const char *path = "test_scenario_wrong.yaml";
    if (muir_is_root(muir_test_ctx())) {
        FILE *file = fopen(path, "w");
        fputs(text, file);
        fclose(file);
    }
    MPI_Barrier(muir_test_ctx()->comm);
    muir_scenario s;
    CU_ASSERT_EQUAL(try_scenario(path, NULL, NULL, &s), MUIR_ERR_ARG);
    const size_t length = strlen(message);
    const bool is_beginning = length > 0 && message[length - 1] == ' ';
    CU_ASSERT(strncmp(muir_test_ctx()->message, message, is_beginning ? length : length + 1) == 0);
    MPI_Barrier(muir_test_ctx()->comm);
    if (muir_is_root(muir_test_ctx())) unlink(path);
    muir_ctx_clear(muir_test_ctx());
}

static void wrong_files_are_named_with_line_and_key(void)
{
    check_file("fleet: rainier-500k\nmodle: x\n",
               "test_scenario_wrong.yaml:2: unknown key 'modle', did you mean 'model'? (muir "
               "help scenario lists the keys)");
    check_file(
        "fleet: rainier-500k\n\nparallel:\n  tp: 64\n  pq: 3\n",
        "test_scenario_wrong.yaml:5: unknown key 'parallel.pq', did you mean 'parallel.pp'? (muir help "
        "scenario lists the keys)");
    check_file("steps: 10\nparallel: {tp: [64]}\n",
               "test_scenario_wrong.yaml:2: 'parallel.tp' must be a single value");
    check_file("parallel: 8\n",
               "test_scenario_wrong.yaml:1: 'parallel' must hold keys of its own, such as parallel: {...}");
    check_file("steps: 10\nsteps: 11\n",
               "test_scenario_wrong.yaml:2: key 'steps' is given twice, first in line 1");
    check_file("steps: ten\n", "test_scenario_wrong.yaml:1: steps is 'ten', but must be a whole number or "
                               "auto: 1..4000000000 steps");
    check_file("steps: 10\nmodel: llama3-405\n", "test_scenario_wrong.yaml: model 'llama3-405' is unknown, "
                                                 "did you mean 'llama3-405b'? (muir list models)");
    check_file("steps: [10\n", "test_scenario_wrong.yaml:2: not YAML: did not find expected ',' or ']'");
    check_file("", "test_scenario_wrong.yaml: the file is empty");
    check_file("- a\n- b\n", "test_scenario_wrong.yaml:1: expected lines of `key: value`");
}

static void a_long_list_of_known_names_ends_in_a_hint(void)
{
    static const char *const overrides[] = {"model=zzz", NULL};
    const char *hint = " and more, see `muir list`";
    muir_scenario s;
    CU_ASSERT_EQUAL(try_scenario("tiny", overrides, NULL, &s), MUIR_ERR_ARG);
    const char *message = muir_test_ctx()->message;
    CU_ASSERT(strlen(message) > strlen(hint) && strcmp(message + strlen(message) - strlen(hint), hint) == 0);
    muir_ctx_clear(muir_test_ctx());
}

static void slices_cover_everything_once(void)
{
    static const int64_t totals[] = {1, 4, 488, 8192, 1001}, units[] = {1, 8, 64};
    for (size_t t = 0; t < 5; t++)
        for (size_t u = 0; u < 3; u++)
            for (int size = 1; size <= 70; size++) {
                int64_t next = 0;
                for (int rank = 0; rank < size; rank++) {
                    const muir_slice s = muir_fold_slice(totals[t], units[u], size, rank);
                    CU_ASSERT(s.first == next || s.n == 0);
                    CU_ASSERT(s.n >= 0 && (s.first % units[u] == 0 || s.n == 0));
                    next += s.n;
                }
                CU_ASSERT_EQUAL(next, totals[t]);
            }
}

static void a_mesh_fits_the_job_and_cuts_many_axes(void)
{
    static const struct {
        int ranks, tp, dp, pp;
    } known[] = {{1, 1, 1, 1}, {2, 1, 2, 1}, {3, 1, 3, 1}, {4, 1, 2, 2},
                 {5, 1, 5, 1}, {6, 1, 3, 2}, {8, 2, 2, 2}, {64, 4, 4, 4}};
    muir_scenario s;
    CU_ASSERT_EQUAL(try_scenario("rainier-1f1b", NULL, NULL, &s), MUIR_OK);
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        const muir_fold fold = muir_fold_make(&s, known[i].ranks, known[i].ranks - 1);
        CU_ASSERT_EQUAL(fold.mesh_ranks, known[i].ranks);
        CU_ASSERT_EQUAL(fold.mesh[MUIR_MESH_TP], known[i].tp);
        CU_ASSERT_EQUAL(fold.mesh[MUIR_MESH_DP], known[i].dp);
        CU_ASSERT_EQUAL(fold.mesh[MUIR_MESH_PP], known[i].pp);
    }
    CU_ASSERT_EQUAL(try_scenario("tiny", NULL, NULL, &s), MUIR_OK);
    const muir_fold five = muir_fold_make(&s, 5, 4); /* four chips: one rank has no part */
    CU_ASSERT_EQUAL(five.mesh_ranks, 4);
    CU_ASSERT_EQUAL(five.place[MUIR_MESH_TP], -1);
    CU_ASSERT_EQUAL(five.replicas.n, 0);
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"shipped scenarios load", shipped_scenarios_load},
        {"overrides reach every file", overrides_reach_every_file},
        {"all ranks hold the same scenario", all_ranks_hold_the_same_scenario},
        {"impossible layouts are one sentence", impossible_layouts_are_one_sentence},
        {"wrong files are named with line and key", wrong_files_are_named_with_line_and_key},
        {"a long list of known names ends in a hint", a_long_list_of_known_names_ends_in_a_hint},
        {"slices cover everything once", slices_cover_everything_once},
        {"a mesh fits the job and cuts many axes", a_mesh_fits_the_job_and_cuts_many_axes},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "scenario", tests);
}
