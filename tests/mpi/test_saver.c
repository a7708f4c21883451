/* SPDX-License-Identifier: BSD-3-Clause */
/* Real checkpoints of a run: how many bytes, which files, what comes back, what is said of a wrong one. */
#include <hdf5.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "flip.h"
#include "programs.h"
#include "run/saver.h"

enum { BYTES = 3000001 }; /* several blocks, and no whole number of words */

#define ON_STORAGE "faults.checkpoint.storage=async"

static muir_scenario saving(void)
{
    return scenario_of("tiny", KEYS(ON_STORAGE, "host.checkpoint_bytes=3000001"));
}

/* A saver of its own files for each number of ranks. */
static muir_saver *make_saver(const muir_scenario *scenario)
{
    muir_ctx *ctx = muir_test_ctx();
    muir_program *program = NULL;
    muir_saver *saver = NULL;
    char path[64];
    const muir_fold fold = muir_fold_make(scenario, ctx->size, ctx->rank);
    snprintf(path, sizeof path, "saver_%d.h5", ctx->size);
    CU_ASSERT_EQUAL_FATAL(muir_program_create(ctx, &scenario->job, &program), MUIR_OK);
    const muir_snapshot_facts facts = muir_snapshot_size(scenario, program, &fold, 1.0);
    CU_ASSERT_EQUAL_FATAL(muir_saver_create(ctx, scenario, &facts, path, &saver), MUIR_OK);
    muir_program_destroy(&program);
    return saver;
}

static void end(muir_saver **saver)
{
    muir_saver_finish(muir_test_ctx(), *saver);
    muir_saver_destroy(saver);
    MPI_Barrier(muir_test_ctx()->comm);
}

static muir_host_saves step(muir_saver *saver)
{
    muir_host_saves saves = {0};
    CU_ASSERT_EQUAL(muir_saver_step(muir_test_ctx(), saver, &saves), MUIR_OK);
    return saves;
}

static bool is_there(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0;
}

/* All ranks' bytes, from their lengths as the file has them. */
static double bytes_in(const char *path)
{
    static const char *const names[] = {"/weights/data", "/optimizer/data"};
    double bytes = 0.0;
    const hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    for (int i = 0; i < 2; i++) {
        const hid_t data = H5Dopen2(file, names[i], H5P_DEFAULT), space = H5Dget_space(data);
        bytes += (double)H5Sget_simple_extent_npoints(space);
        H5Sclose(space);
        H5Dclose(data);
    }
    H5Fclose(file);
    return bytes;
}

/* Ranks that stand for chips save these chips' shares of the state over the divisor, to a byte a rank. */
static void ranks_save_the_jobs_state_over_the_divisor(void)
{
    muir_ctx *ctx = muir_test_ctx();
    const muir_scenario s = scenario_of("tiny", KEYS(ON_STORAGE));
    muir_program *program = NULL;
    static const double factors[] = {1.0, 3.0, 16.0, 1e6};
    CU_ASSERT_EQUAL_FATAL(muir_program_create(ctx, &s.job, &program), MUIR_OK);
    const double job = program->params * 14.0, chips = 4.0;
    for (int i = 0; i < 4; i++) {
        const double f = factors[i];
        double sum = 0.0;
        for (int r = 0; r < ctx->size; r++) {
            const muir_fold fold = muir_fold_make(&s, ctx->size, r);
            const muir_snapshot_facts facts = muir_snapshot_size(&s, program, &fold, f);
            const double bytes = (double)(facts.bytes[0] + facts.bytes[1]);
            CU_ASSERT_EQUAL(facts.job_bytes, job);
            CU_ASSERT_EQUAL(bytes, r < fold.mesh_ranks ? fmax(2.0, floor(job / chips / f / f)) : 0.0);
            if (r < fold.mesh_ranks && bytes > 1000.0)
                CU_ASSERT(fabs((double)facts.bytes[0] / bytes - 2.0 / 14.0) < 1e-3);
            sum += bytes;
            if (r == ctx->size - 1) CU_ASSERT(fabs(sum * facts.divisor / job - 1.0) < 1e-12);
        }
    }
    muir_program_destroy(&program);
}

static void none_is_wanted_without_storage(void)
{
    const muir_scenario none = scenario_of("tiny", NULL),
                        off = scenario_of("tiny", KEYS(ON_STORAGE, "host.checkpoint=off")),
                        never = scenario_of("tiny", KEYS(ON_STORAGE, "host.every=0")), s = saving();
    CU_ASSERT_FALSE(muir_snapshot_is_wanted(&none));
    CU_ASSERT_FALSE(muir_snapshot_is_wanted(&off));
    CU_ASSERT_FALSE(muir_snapshot_is_wanted(&never));
    CU_ASSERT(muir_snapshot_is_wanted(&s));
}

static void contents_tell_seed_step_rank_part_and_place_apart(void)
{
    enum { N = 10007 };
    char *x = malloc(N);
    muir_snapshot_fill(1, 10, 2, 0, x, N);
    CU_ASSERT_EQUAL(muir_snapshot_check(1, 10, 2, 0, x, N), -1);
    CU_ASSERT(muir_snapshot_check(2, 10, 2, 0, x, N) >= 0);
    CU_ASSERT(muir_snapshot_check(1, 11, 2, 0, x, N) >= 0);
    CU_ASSERT(muir_snapshot_check(1, 10, 3, 0, x, N) >= 0);
    CU_ASSERT(muir_snapshot_check(1, 10, 2, 1, x, N) >= 0);
    for (int i = 0; i < N; i += 101) {
        x[i] ^= 4;
        CU_ASSERT_EQUAL(muir_snapshot_check(1, 10, 2, 0, x, N), i);
        x[i] ^= 4;
    }
    free(x);
}

static void a_restart_reads_what_was_written(void)
{
    const muir_scenario s = saving();
    muir_saver *saver = make_saver(&s);
    const muir_fold fold = muir_fold_make(&s, muir_test_ctx()->size, muir_test_ctx()->rank);
    const double mine = fold.place[0] < 0 ? 0.0 : BYTES;
    muir_saver_note_saved(saver, 10);
    muir_host_saves saves = step(saver);
    CU_ASSERT_EQUAL(saves.writes, 1);
    CU_ASSERT_EQUAL(saves.write_bytes, mine);
    CU_ASSERT(saves.write_s > 0.0);
    MPI_Barrier(muir_test_ctx()->comm);
    CU_ASSERT_EQUAL(bytes_in(muir_saver_path(saver, 0)), (double)BYTES * fold.mesh_ranks);
    MPI_Barrier(muir_test_ctx()->comm);
    muir_saver_note_loaded(saver, 10);
    saves = step(saver);
    CU_ASSERT_EQUAL(saves.reads, 1);
    CU_ASSERT_EQUAL(saves.wrong, 0);
    CU_ASSERT_EQUAL(saves.read_bytes, mine);
    CU_ASSERT_EQUAL(saves.writes, 0);
    saves = step(saver); /* nothing is due */
    CU_ASSERT_EQUAL(saves.reads + saves.writes, 0);
    end(&saver);
}

/* The state before the last one is there too: the last may not have been complete when the job failed. */
static void two_files_take_turns(void)
{
    const muir_scenario s = saving();
    muir_saver *saver = make_saver(&s);
    for (int64_t i = 1; i <= 5; i++) {
        muir_saver_note_saved(saver, 10 * i);
        step(saver);
        if (i == 1) continue;
        muir_saver_note_loaded(saver, 10 * (i - 1));
        const muir_host_saves saves = step(saver);
        CU_ASSERT_EQUAL(saves.reads, 1);
        CU_ASSERT_EQUAL(saves.wrong, 0);
    }
    muir_saver_note_saved(saver, 50); /* gone back to 40 and trained again: 40 must not be overwritten */
    muir_saver_note_loaded(saver, 40);
    muir_saver_note_loaded(saver, 50);
    muir_saver_note_loaded(saver, 10);
    const muir_host_saves saves = step(saver);
    CU_ASSERT_EQUAL(saves.reads, 2);
    CU_ASSERT_EQUAL(saves.wrong, 0);
    CU_ASSERT_EQUAL(muir_saver_get(saver)->gone, 1);
    end(&saver);
    CU_ASSERT_FALSE(is_there("saver_1.checkpoint-0.h5"));
}

/* Host steps that are left out: all that a restart needs is executed, what is overtaken is counted. */
static void what_is_due_waits_for_the_host_clock(void)
{
    const muir_scenario s = saving();
    muir_saver *saver = make_saver(&s);
    muir_saver_note_saved(saver, 10);
    muir_saver_note_saved(saver, 20);
    muir_saver_note_loaded(saver, 10);
    for (int64_t i = 2; i <= 1000; i++) muir_saver_note_saved(saver, 10 * i);
    const muir_host_saves saves = step(saver);
    CU_ASSERT_EQUAL(saves.writes, 3); /* 10, which is read, and the last two */
    CU_ASSERT_EQUAL(saves.reads, 1);
    CU_ASSERT_EQUAL(saves.wrong, 0);
    CU_ASSERT_EQUAL(muir_saver_get(saver)->overtaken, 1001 - 3);
    end(&saver);
}

static void a_flipped_byte_is_counted_and_named(void)
{
    const muir_scenario s = saving();
    char expected[256];
    muir_saver *saver = make_saver(&s);
    muir_saver_note_saved(saver, 10);
    step(saver);
    flip(muir_saver_path(saver, 0), "/optimizer/data", 1500000);
    muir_saver_note_loaded(saver, 10);
    const muir_host_saves saves = step(saver);
    CU_ASSERT_EQUAL(saves.reads, 1);
    CU_ASSERT_EQUAL(saves.wrong, 1);
    snprintf(expected, sizeof expected, "%s is damaged: part optimizer of rank 0, bytes 1048576 to 2097151",
             muir_saver_path(saver, 0));
    CU_ASSERT_STRING_EQUAL(muir_saver_get(saver)->damage, expected);
    CU_ASSERT_STRING_EQUAL(muir_test_ctx()->message, ""); /* the run goes on */
    end(&saver);
}

/* Checksums hold, and yet it is not the state of that step. */
static void another_steps_file_is_wrong(void)
{
    const muir_scenario s = saving();
    char saved[256];
    muir_saver *saver = make_saver(&s);
    muir_saver_note_saved(saver, 10);
    muir_saver_note_saved(saver, 20);
    step(saver);
    MPI_Barrier(muir_test_ctx()->comm);
    snprintf(saved, sizeof saved, "%s", muir_saver_path(saver, 0));
    if (muir_is_root(muir_test_ctx())) CU_ASSERT_EQUAL(rename(saved, muir_saver_path(saver, 1)), 0);
    MPI_Barrier(muir_test_ctx()->comm);
    muir_saver_note_loaded(saver, 20);
    muir_saver_note_loaded(saver, 10); /* its file is gone */
    const muir_host_saves saves = step(saver);
    CU_ASSERT_EQUAL(saves.wrong, 2);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(muir_saver_get(saver)->damage, "holds step 10, but was written for step 20"));
    end(&saver);
}

static void a_resumed_run_verifies_its_files(void)
{
    const muir_scenario s = saving();
    muir_saver *killed = make_saver(&s), *saver = make_saver(&s);
    muir_saver_note_saved(killed, 10);
    muir_saver_note_saved(killed, 20);
    step(killed);
    flip(muir_saver_path(killed, 1), "/weights/data", 0);
    muir_saver_note_saved(saver, 10);
    muir_saver_note_saved(saver, 20);
    muir_saver_replay(saver);
    CU_ASSERT_EQUAL(muir_saver_resume(muir_test_ctx(), saver), MUIR_OK);
    CU_ASSERT_EQUAL(muir_saver_get(saver)->verified, 1);
    CU_ASSERT_EQUAL(muir_saver_get(saver)->renewed, 1);
    CU_ASSERT_EQUAL(muir_saver_get(saver)->wrong, 1);
    muir_saver_note_loaded(saver, 10);
    muir_saver_note_loaded(saver, 20);
    const muir_host_saves saves = step(saver);
    CU_ASSERT_EQUAL(saves.writes, 1);
    CU_ASSERT_EQUAL(saves.reads, 2);
    CU_ASSERT_EQUAL(saves.wrong, 0);
    muir_saver_destroy(&killed);
    end(&saver);
}

static void a_folder_that_is_none_is_refused(void)
{
    const muir_scenario s = scenario_of("tiny", KEYS(ON_STORAGE, "host.checkpoint=/no/such"));
    muir_saver *saver = NULL;
    const muir_snapshot_facts facts = {.bytes = {1, 1}};
    CU_ASSERT_EQUAL(muir_saver_create(muir_test_ctx(), &s, &facts, "x.h5", &saver), MUIR_ERR_ARG);
    CU_ASSERT_PTR_NULL(saver);
    CU_ASSERT_STRING_EQUAL(muir_test_ctx()->message, "host.checkpoint=/no/such is not a writable folder");
    muir_ctx_clear(muir_test_ctx());
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"ranks save the job's state over the divisor", ranks_save_the_jobs_state_over_the_divisor},
        {"none is wanted without storage", none_is_wanted_without_storage},
        {"contents tell seed, step, rank, part and place apart",
         contents_tell_seed_step_rank_part_and_place_apart},
        {"a restart reads what was written", a_restart_reads_what_was_written},
        {"two files take turns", two_files_take_turns},
        {"what is due waits for the host clock", what_is_due_waits_for_the_host_clock},
        {"a flipped byte is counted and named", a_flipped_byte_is_counted_and_named},
        {"another step's file is wrong", another_steps_file_is_wrong},
        {"a resumed run verifies its files", a_resumed_run_verifies_its_files},
        {"a folder that is none is refused", a_folder_that_is_none_is_refused},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "saver", tests);
}
