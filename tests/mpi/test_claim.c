/* SPDX-License-Identifier: BSD-3-Clause */
/* Names of telemetry files: one run each, and nothing that exists is lost. */
#include "io/claim.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "telemetry_sample.h"

/* A name in the test's folder that no other rank count uses. */
static const char *name_of(const char *stem)
{
    static char names[8][64];
    static int n;
    char *name = names[n++ % 8];
    snprintf(name, sizeof names[0], "claim_%d_%s", muir_test_ctx()->size, stem);
    return name;
}

static void remove_all(const char *path)
{
    static const char *const tails[] = {"", ".part", ".bak", ".bak2", ".bak3"};
    if (!muir_is_root(muir_test_ctx())) return;
    for (size_t i = 0; i < sizeof tails / sizeof tails[0]; i++) {
        char name[80];
        snprintf(name, sizeof name, "%s%s", path, tails[i]);
        unlink(name);
    }
}

static void write_words(const char *path, const char *words)
{
    if (muir_is_root(muir_test_ctx())) {
        FILE *file = fopen(path, "w");
        fputs(words, file);
        fclose(file);
    }
    MPI_Barrier(muir_test_ctx()->comm);
}

/* Whether a file holds the sample's first `steps` steps; on rank 0. */
static void check_steps(const char *path, const char *tail, int64_t steps)
{
    char name[80];
    snprintf(name, sizeof name, "%s%s", path, tail);
    if (muir_is_root(muir_test_ctx()))
        CU_ASSERT_EQUAL(sample_count_wrong(name, muir_test_ctx()->size, steps), 0);
}

static void check_refused(const char *path, bool is_resumed, const char *text)
{
    muir_ctx *ctx = muir_test_ctx();
    muir_claim *claim = NULL;
    CU_ASSERT_EQUAL(muir_claim_create(ctx, path, is_resumed, &claim), MUIR_ERR_ARG);
    CU_ASSERT_PTR_NULL(claim);
    if (!strstr(ctx->message, text)) fprintf(stderr, "%s\n", ctx->message);
    CU_ASSERT_PTR_NOT_NULL(strstr(ctx->message, text));
    muir_ctx_clear(ctx);
}

/* A file of `steps` steps, whole and closed. */
static void write_steps(const char *path, int64_t steps)
{
    muir_ctx *ctx = muir_test_ctx();
    muir_telemetry *telemetry = NULL;
    sample s;
    sample_describe(ctx->size, &s);
    CU_ASSERT_EQUAL_FATAL(sample_start(ctx, path, false, &s, &telemetry), MUIR_OK);
    CU_ASSERT_EQUAL(sample_write(ctx, telemetry, 0, steps), MUIR_OK);
    CU_ASSERT_EQUAL(muir_telemetry_close(ctx, &telemetry, 0.0, NULL), MUIR_OK);
}

static void every_older_file_is_kept(void)
{
    const char *path = name_of("older.h5");
    remove_all(path);
    for (int64_t steps = 1; steps <= 4; steps++) write_steps(path, steps);
    check_steps(path, "", 4);
    check_steps(path, ".bak", 1);
    check_steps(path, ".bak2", 2);
    check_steps(path, ".bak3", 3);
}

static void a_name_that_a_run_prepares_is_refused(void)
{
    muir_ctx *ctx = muir_test_ctx();
    const char *path = name_of("prepared.h5");
    muir_claim *claim = NULL;
    remove_all(path);
    CU_ASSERT_EQUAL(muir_claim_create(ctx, path, false, &claim), MUIR_OK);
    CU_ASSERT_TRUE(muir_claim_is_new(claim));
    CU_ASSERT_STRING_EQUAL(muir_claim_path(claim), path);
    check_refused(path, false, "is being written by another run");
    check_refused(path, true, "is being written by another run");
    muir_claim_destroy(&claim);
    if (muir_is_root(ctx)) CU_ASSERT_NOT_EQUAL(access(path, F_OK), 0);
    CU_ASSERT_EQUAL(muir_claim_create(ctx, path, true, &claim), MUIR_OK);
    CU_ASSERT_TRUE(muir_claim_is_new(claim)); /* nothing to go on with: it starts */
    muir_claim_destroy(&claim);
}

static void a_live_file_stays_with_its_run(void)
{
    muir_ctx *ctx = muir_test_ctx();
    const char *path = name_of("live.h5");
    muir_telemetry *telemetry = NULL;
    sample s;
    sample_describe(ctx->size, &s);
    remove_all(path);
    CU_ASSERT_EQUAL_FATAL(sample_start(ctx, path, false, &s, &telemetry), MUIR_OK);
    CU_ASSERT_EQUAL(sample_write(ctx, telemetry, 0, 9), MUIR_OK);
    check_refused(path, false, "is being written by another run");
    check_refused(path, true, "is being written by another run");
    CU_ASSERT_EQUAL(sample_write(ctx, telemetry, 9, 12), MUIR_OK);
    CU_ASSERT_EQUAL(muir_telemetry_close(ctx, &telemetry, 0.0, NULL), MUIR_OK);
    check_steps(path, "", 12);
}

static void an_older_file_stays_until_the_new_one_is_there(void)
{
    muir_ctx *ctx = muir_test_ctx();
    const char *path = name_of("stays.h5");
    muir_claim *claim = NULL;
    remove_all(path);
    write_steps(path, 5);
    CU_ASSERT_EQUAL(muir_claim_create(ctx, path, false, &claim), MUIR_OK);
    check_refused(path, true, "is being written by another run"); /* it is about to be set aside */
    muir_claim_destroy(&claim);
    check_steps(path, "", 5);
    CU_ASSERT_EQUAL(muir_claim_create(ctx, path, true, &claim), MUIR_OK);
    CU_ASSERT_FALSE(muir_claim_is_new(claim));
    muir_claim_destroy(&claim);
}

static void what_muir_did_not_write_is_refused(void)
{
    muir_ctx *ctx = muir_test_ctx();
    const char *path = name_of("thesis.txt"), *folder = name_of("folder"), *link = name_of("link.h5"),
               *pipe = name_of("pipe");
    char part[80], found[16] = "";
    remove_all(path);
    write_words(path, "thesis");
    check_refused(path, false, "is not a telemetry file written by muir");
    check_refused(path, true, "is not a telemetry file written by muir");
    if (muir_is_root(ctx)) {
        FILE *file = fopen(path, "r");
        CU_ASSERT(fgets(found, sizeof found, file) && strcmp(found, "thesis") == 0);
        fclose(file);
        unlink(path);
        mkdir(folder, 0777);
        unlink(link);
        unlink(pipe);
        CU_ASSERT_EQUAL(mkfifo(pipe, 0666), 0);
        CU_ASSERT_EQUAL(symlink("no_such_file", link), 0);
    }
    snprintf(part, sizeof part, "%s.part", path);
    write_words(part, "half a film");
    check_refused(path, false, "is in the way and was not written by muir");
    check_refused(folder, false, "is a folder, not a file");
    check_refused(pipe, false, "is a device or a pipe, not a file");
    check_refused(link, false, "is a link to a file that is not there");
    check_refused("no/such/folder/x.h5", false, "No such file or directory");
    remove_all(path);
}

static void leftovers_and_empty_files_give_way(void)
{
    const char *path = name_of("empty.h5");
    char part[80];
    remove_all(path);
    write_words(path, "");
    snprintf(part, sizeof part, "%s.part", path);
    write_words(part, "\211HDF\r\n\032\n and no more");
    write_steps(path, 3);
    check_steps(path, "", 3);
    if (muir_is_root(muir_test_ctx())) CU_ASSERT_NOT_EQUAL(access(part, F_OK), 0);
}

static void a_link_stands_for_its_file(void)
{
    muir_ctx *ctx = muir_test_ctx();
    const char *path = name_of("target.h5"), *link = name_of("to_target.h5");
    struct stat info;
    remove_all(path);
    write_steps(path, 2);
    if (muir_is_root(ctx)) {
        unlink(link);
        CU_ASSERT_EQUAL(symlink(path, link), 0);
    }
    MPI_Barrier(ctx->comm);
    write_steps(link, 4);
    check_steps(path, "", 4);
    check_steps(path, ".bak", 2);
    if (muir_is_root(ctx)) CU_ASSERT(lstat(link, &info) == 0 && S_ISLNK(info.st_mode));
}

/* What became of the file's name while the run was at work. */
static void check_lost(const char *moved_to, const char *text)
{
    muir_ctx *ctx = muir_test_ctx();
    const char *path = name_of("lost.h5");
    muir_telemetry *telemetry = NULL;
    sample s;
    sample_describe(ctx->size, &s);
    remove_all(path);
    CU_ASSERT_EQUAL_FATAL(sample_start(ctx, path, false, &s, &telemetry), MUIR_OK);
    CU_ASSERT_EQUAL(sample_write(ctx, telemetry, 0, 9), MUIR_OK);
    if (muir_is_root(ctx)) CU_ASSERT_EQUAL(moved_to ? rename(path, moved_to) : unlink(path), 0);
    CU_ASSERT_EQUAL(sample_write(ctx, telemetry, 9, 11), MUIR_OK);
    CU_ASSERT_EQUAL(muir_telemetry_close(ctx, &telemetry, 0.0, NULL), MUIR_ERR_FILE);
    if (!strstr(ctx->message, text)) fprintf(stderr, "%s\n", ctx->message);
    CU_ASSERT_PTR_NOT_NULL(strstr(ctx->message, text));
    muir_ctx_clear(ctx);
}

static void a_file_that_is_taken_away_is_said(void)
{
    const char *moved = name_of("moved.h5");
    check_lost(NULL, "was deleted while this run wrote it: its rows are lost");
    check_lost(moved, "was moved while this run wrote it");
    check_steps(moved, "", 11);
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"every older file is kept", every_older_file_is_kept},
        {"a name that a run prepares is refused", a_name_that_a_run_prepares_is_refused},
        {"a live file stays with its run", a_live_file_stays_with_its_run},
        {"an older file stays until the new one is there", an_older_file_stays_until_the_new_one_is_there},
        {"what muir did not write is refused", what_muir_did_not_write_is_refused},
        {"leftovers and empty files give way", leftovers_and_empty_files_give_way},
        {"a link stands for its file", a_link_stands_for_its_file},
        {"a file that is taken away is said", a_file_that_is_taken_away_is_said},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "claim", tests);
}
