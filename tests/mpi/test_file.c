/* SPDX-License-Identifier: BSD-3-Clause */
/* Files set aside and locked. */
#include "io/file.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"

typedef struct file_names {
    char file[32], backup[32], folder[32];
} file_names;

static file_names names(void)
{
    const int size = muir_test_ctx()->size;
    file_names n;
    snprintf(n.file, sizeof n.file, "file_%d.txt", size);
    snprintf(n.backup, sizeof n.backup, "file_%d.txt.bak", size);
    snprintf(n.folder, sizeof n.folder, "folder_%d", size);
    return n;
}

static void write_word(const char *path, const char *word)
{
    if (!muir_is_root(muir_test_ctx())) return;
    FILE *file = fopen(path, "w");
    fputs(word, file);
    fclose(file);
}

static void check_word(const char *path, const char *word)
{
    char found[32] = "";
    if (!muir_is_root(muir_test_ctx())) return;
    FILE *file = fopen(path, "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT_PTR_NOT_NULL(fgets(found, sizeof found, file));
    CU_ASSERT_STRING_EQUAL(found, word);
    fclose(file);
}

static void a_file_is_set_aside_in_place_of_an_older_one(void)
{
    muir_ctx *ctx = muir_test_ctx();
    const file_names n = names();
    static const char *const words[] = {"first", "second"};
    for (int i = 0; i < 2; i++) {
        bool is_moved = false;
        write_word(n.file, words[i]);
        CU_ASSERT_EQUAL(muir_file_set_aside(ctx, n.file, &is_moved), MUIR_OK);
        CU_ASSERT_TRUE(is_moved);
        check_word(n.backup, words[i]);
        CU_ASSERT_EQUAL(muir_file_set_aside(ctx, n.file, &is_moved), MUIR_OK);
        CU_ASSERT_FALSE(is_moved);
        check_word(n.backup, words[i]);
    }
}

static void what_is_not_a_file_is_refused(void)
{
    muir_ctx *ctx = muir_test_ctx();
    const file_names n = names();
    char message[64];
    bool is_moved = true;
    if (muir_is_root(ctx)) mkdir(n.folder, 0777);
    CU_ASSERT_EQUAL(muir_file_set_aside(ctx, n.folder, &is_moved), MUIR_ERR_ARG);
    snprintf(message, sizeof message, "%s is a folder, not a file", n.folder);
    CU_ASSERT_STRING_EQUAL(ctx->message, message);
    muir_ctx_clear(ctx);
    CU_ASSERT_EQUAL(muir_file_set_aside(ctx, "/dev/null", &is_moved), MUIR_ERR_ARG);
    CU_ASSERT_STRING_EQUAL(ctx->message, "/dev/null is a device, not a file");
    muir_ctx_clear(ctx);
    CU_ASSERT_TRUE(is_moved);
}

static void a_lock_keeps_others_off_until_it_is_closed(void)
{
    muir_ctx *ctx = muir_test_ctx();
    const file_names n = names();
    int first = -1, second = -1;
    if (!muir_is_root(ctx)) return;
    write_word(n.file, "locked");
    CU_ASSERT_EQUAL(muir_file_lock(ctx, n.file, &first), MUIR_OK);
    CU_ASSERT_EQUAL(muir_file_lock(ctx, n.file, &second), MUIR_ERR_ARG);
    CU_ASSERT_EQUAL(second, -1);
    CU_ASSERT_PTR_NOT_NULL(strstr(ctx->message, "is being written by another run"));
    muir_ctx_clear(ctx);
    close(first);
    CU_ASSERT_EQUAL(muir_file_lock(ctx, n.file, &second), MUIR_OK);
    close(second);
    CU_ASSERT_EQUAL(muir_file_lock(ctx, "no_such_file", &second), MUIR_ERR_ARG);
    CU_ASSERT_STRING_EQUAL(ctx->message, "no_such_file: No such file or directory");
    muir_ctx_clear(ctx);
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"a file is set aside in place of an older one", a_file_is_set_aside_in_place_of_an_older_one},
        {"what is not a file is refused", what_is_not_a_file_is_refused},
        {"a lock keeps others off until it is closed", a_lock_keeps_others_off_until_it_is_closed},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "file", tests);
}
