/* SPDX-License-Identifier: BSD-3-Clause */
/* Files locked and compared. */
#include "io/file.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"

typedef struct file_names {
    char file[32], folder[32];
} file_names;

static file_names names(void)
{
    const int size = muir_test_ctx()->size;
    file_names n;
    snprintf(n.file, sizeof n.file, "file_%d.txt", size);
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

static void names_of_one_file_are_told_from_names_of_two(void)
{
    const file_names n = names();
    char other[80], absent[80];
    if (!muir_is_root(muir_test_ctx())) return;
    mkdir(n.folder, 0777);
    snprintf(other, sizeof other, "%s/../%s", n.folder, n.file);
    snprintf(absent, sizeof absent, "%s/../absent", n.folder);
    write_word(n.file, "one");
    CU_ASSERT_TRUE(muir_file_is_same(n.file, n.file));
    CU_ASSERT_TRUE(muir_file_is_same(n.file, other));
    CU_ASSERT_FALSE(muir_file_is_same(n.file, n.folder));
    CU_ASSERT_FALSE(muir_file_is_same(n.file, "absent"));
    CU_ASSERT_TRUE(muir_file_is_same("absent", "./absent"));
    CU_ASSERT_TRUE(muir_file_is_same(absent, "absent"));
    CU_ASSERT_FALSE(muir_file_is_same("absent", "absent2"));
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"a lock keeps others off until it is closed", a_lock_keeps_others_off_until_it_is_closed},
        {"names of one file are told from names of two", names_of_one_file_are_told_from_names_of_two},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "file", tests);
}
