/* SPDX-License-Identifier: BSD-3-Clause */
/* Declared options: defaults, reading, refusing, printing. */
#include <stdio.h>
#include <string.h>

#include "base/options.h"
#include "base/text.h"
#include "check.h"

#define ROWS(OPTION)                                                                                         \
    OPTION(INT, tp, "8", "1..64", "chips", "tensor-parallel size")                                           \
    OPTION(AUTO, dp, "auto", "1..1e6", "replicas", "data-parallel size")                                     \
    OPTION(FLOAT, efficiency, "0.5", "0..1", "", "share of the peak")                                        \
    OPTION(BOOL, is_tied, "false", "", "", "one embedding")                                                  \
    OPTION(NAME, chip, NULL, "", "", "a name")                                                               \
    OPTION(CHOICE, mlp, "gelu", (TEST_GELU, "gelu")(TEST_SWIGLU, "swiglu")(TEST_NONE, "none"), "", "kind")   \
    OPTION(CHOICE, order, "early", (TEST_EARLY, "early")(TEST_LATE, "late"), "", "when")                     \
    OPTION(DIMS, torus, "4x4x4", "", "chips", "size of the torus")

typedef struct part {
    ROWS(MUIR_OPTION_FIELD)
} part;
ROWS(MUIR_OPTION_ENUM)
typedef struct file {
    int before;
    part parallel;
} file;

#define MUIR_OPTION_OWNER part
static const muir_option options[] = {ROWS(MUIR_OPTION_ROW)};
#undef MUIR_OPTION_OWNER

static const muir_section sections[] = {
    {"parallel", offsetof(file, parallel), options, sizeof options / sizeof options[0]}};
static const muir_schema schema = {"test", "tests", sections, 1, sizeof(file)};

static muir_status set(file *f, const char *path, const char *text)
{
    const muir_section *section = NULL;
    const muir_option *option = muir_schema_find(&schema, path, &section);
    CU_ASSERT_PTR_NOT_NULL_FATAL(option);
    muir_ctx_clear(muir_test_ctx());
    return muir_option_set(muir_test_ctx(), "here:7", section, option, text, f);
}

static void defaults_are_what_the_rows_say(void)
{
    file f;
    CU_ASSERT_EQUAL(muir_schema_defaults(muir_test_ctx(), &schema, &f), MUIR_OK);
    CU_ASSERT_EQUAL(f.parallel.tp, 8);
    CU_ASSERT_EQUAL(f.parallel.dp, 0); /* auto */
    CU_ASSERT_EQUAL(f.parallel.efficiency, 0.5);
    CU_ASSERT_EQUAL(f.parallel.mlp, MUIR_TEST_GELU);
    CU_ASSERT_EQUAL(f.parallel.torus[2], 4);
    CU_ASSERT_STRING_EQUAL(f.parallel.chip, "");
}

/* Two words of two, three of three: an odd and an even number of pairs. */
static void rows_of_words_make_their_constants(void)
{
    file f;
    CU_ASSERT_EQUAL_FATAL(muir_schema_defaults(muir_test_ctx(), &schema, &f), MUIR_OK);
    CU_ASSERT_EQUAL(set(&f, "parallel.mlp", "none"), MUIR_OK);
    CU_ASSERT_EQUAL(f.parallel.mlp, MUIR_TEST_NONE);
    CU_ASSERT_EQUAL(set(&f, "parallel.order", "late"), MUIR_OK);
    CU_ASSERT_EQUAL(f.parallel.order, MUIR_TEST_LATE);
    CU_ASSERT_STRING_EQUAL(muir_schema_word(&schema, "parallel.mlp", MUIR_TEST_SWIGLU), "swiglu");
    CU_ASSERT_STRING_EQUAL(muir_schema_word(&schema, "parallel.order", MUIR_TEST_EARLY), "early");
}

static void what_is_read_is_what_is_printed(void)
{
    static const char *const pairs[][2] = {{"parallel.tp", "64"},        {"parallel.dp", "auto"},
                                           {"parallel.dp", "1000"},      {"parallel.efficiency", "0.25"},
                                           {"parallel.is_tied", "true"}, {"parallel.chip", "trainium2"},
                                           {"parallel.mlp", "swiglu"},   {"parallel.torus", "2x3x4"}};
    file f;
    muir_schema_defaults(muir_test_ctx(), &schema, &f);
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        const muir_section *section = NULL;
        char text[MUIR_TEXT_SIZE];
        CU_ASSERT_EQUAL(set(&f, pairs[i][0], pairs[i][1]), MUIR_OK);
        const muir_option *option = muir_schema_find(&schema, pairs[i][0], &section);
        muir_option_get(section, option, &f, text, sizeof text);
        CU_ASSERT_STRING_EQUAL(text, pairs[i][1]);
    }
}

static void wrong_values_are_refused_and_change_nothing(void)
{
    static const char *const pairs[][2] = {
        {"parallel.tp", "eight"},        {"parallel.tp", "0"},      {"parallel.tp", "65"},
        {"parallel.tp", "1.5"},          {"parallel.tp", ""},       {"parallel.tp", "0x8"},
        {"parallel.tp", "nan"},          {"parallel.tp", "1e300"},  {"parallel.efficiency", "inf"},
        {"parallel.efficiency", "2"},    {"parallel.mlp", "relu"},  {"parallel.order", "2"},
        {"parallel.mlp", "gelu|swiglu"}, {"parallel.torus", "4x"},  {"parallel.torus", "0x4"},
        {"parallel.torus", "1x2x3x4"},   {"parallel.is_tied", "2"}, {"parallel.dp", "automat"},
        {"parallel.torus", "x4"}};
    file f, before;
    muir_schema_defaults(muir_test_ctx(), &schema, &f);
    before = f;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        CU_ASSERT_EQUAL(set(&f, pairs[i][0], pairs[i][1]), MUIR_ERR_ARG);
        CU_ASSERT(memcmp(&f, &before, sizeof f) == 0);
    }
    CU_ASSERT_EQUAL(set(&f, "parallel.tp", "65"), MUIR_ERR_ARG);
    CU_ASSERT_STRING_EQUAL(muir_test_ctx()->message,
                           "here:7: parallel.tp is '65', but must be a whole number: 1..64 chips");
    muir_ctx_clear(muir_test_ctx());
}

static void the_word_that_was_meant_is_found(void)
{
    static const char *const names[] = {"rainier-500k", "rainier-1m", "dgx-h100"};
    CU_ASSERT_STRING_EQUAL(muir_closest("rainer-1m", names, 3), "rainier-1m");
    CU_ASSERT_PTR_NULL(muir_closest("something", names, 3));
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"defaults are what the rows say", defaults_are_what_the_rows_say},
        {"rows of words make their constants", rows_of_words_make_their_constants},
        {"what is read is what is printed", what_is_read_is_what_is_printed},
        {"wrong values are refused and change nothing", wrong_values_are_refused_and_change_nothing},
        {"the word that was meant is found", the_word_that_was_meant_is_found},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "options", tests);
}
