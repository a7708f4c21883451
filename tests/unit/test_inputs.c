/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of kinds of files: every key is found, stored, and compared when a run is resumed; YAML files
 * that muir has no use for are answered in one sentence. */
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "programs.h"
#include "run/describe.h"
#include "scenario/inputs.h"
#include "scenario/yaml.h"

static const char *const path = "test_inputs.yaml";

static char *identity_of(const muir_scenario *scenario)
{
    char *text = NULL;
    CU_ASSERT_EQUAL_FATAL(muir_describe_identity(muir_test_ctx(), scenario, &text), MUIR_OK);
    return text;
}

/* Changes the value of a key in place, whatever it was. */
static void change(const muir_input_key *key, muir_scenario *scenario)
{
    char *field = (char *)scenario + key->input->offset + key->section->offset + key->option->offset;
    switch (key->option->type) {
    case MUIR_OPTION_INT:
    case MUIR_OPTION_AUTO: *(int64_t *)(void *)field += 1; break;
    case MUIR_OPTION_FLOAT: *(double *)(void *)field += 1.0; break;
    case MUIR_OPTION_BOOL: *(bool *)(void *)field = !*(bool *)(void *)field; break;
    case MUIR_OPTION_CHOICE: *(int *)(void *)field = *(int *)(void *)field == 0; break;
    case MUIR_OPTION_DIMS: ((int *)(void *)field)[0] += 1; break;
    case MUIR_OPTION_NAME:
    case MUIR_OPTION_TEXT: field[0] = field[0] == 'x' ? 'y' : 'x'; break;
    }
}

static void a_resumption_differs_by_every_key_but_those_that_are_free(void)
{
    const muir_scenario scenario = scenario_of("tiny", NULL);
    char *before = identity_of(&scenario);
    muir_input_key key = {.input = NULL};
    int n = 0;
    while (muir_input_next(&key)) {
        muir_scenario other = scenario;
        change(&key, &other);
        char *after = identity_of(&other);
        const bool is_same = strcmp(before, after) == 0, is_free = muir_input_freedom(key.name) != NULL;
        if (is_same != is_free)
            fprintf(stderr, "%s is %s\n", key.name, is_same ? "not compared" : "compared");
        CU_ASSERT_EQUAL(is_same, is_free);
        free(after);
        n++;
    }
    CU_ASSERT(n > 200);
    free(before);
}

static void every_free_pattern_names_a_key(void)
{
    for (int i = 0; muir_input_free_pattern(i); i++) {
        muir_input_key key = {.input = NULL};
        bool is_used = false;
        while (muir_input_next(&key))
            is_used = is_used || fnmatch(muir_input_free_pattern(i), key.name, 0) == 0;
        if (!is_used) fprintf(stderr, "no key is called %s\n", muir_input_free_pattern(i));
        CU_ASSERT(is_used);
    }
}

static void every_name_finds_its_key(void)
{
    muir_input_key key = {.input = NULL}, found;
    while (muir_input_next(&key)) {
        const char *rest = NULL;
        CU_ASSERT_TRUE_FATAL(muir_input_find(key.name, &found));
        CU_ASSERT_PTR_EQUAL(found.option, key.option);
        CU_ASSERT_PTR_EQUAL(muir_input_owner(key.name, &rest), key.input);
        CU_ASSERT_STRING_EQUAL(rest, key.name + strlen(key.input->prefix));
    }
    CU_ASSERT_FALSE(muir_input_find("parallel.tensor", &found));
}

static void every_text_of_a_file_fits_on_a_line_of_the_identity(void)
{
    muir_scenario scenario = scenario_of("tiny", NULL);
    strcpy(scenario.run.fleet, "./n\nl=1.yaml");
    char *text = identity_of(&scenario);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "fleet=./n\\x0al=1.yaml\n"));
    for (const char *line = text; *line;
         line += strcspn(line, "\n") + 1) /* what makes attributes of /scenario */
        CU_ASSERT(strcspn(line, "=") < strcspn(line, "\n"));
    free(text);
}

static void words_of_others_lead_to_keys(void)
{
    static const char *const pairs[][2] = {
        {"tp", "parallel.tp"},
        {"oversubscription", "fleet.fabric.oversubscription"},
        {"efficiency", "fleet.server.efficiency' or 'fleet.fabric.efficiency"},
        {"hours", "days"},
        {"gbs", "global_batch_size"},
        {"parallel.tensor", "parallel.tp"},
        {"tensor_model_parallel_size", "parallel.tp"},
        {"modle", "model"},
        {"parallel.pq", "parallel.pp"},
        {"fleet.fabric.oversubscribtion", "fleet.fabric.oversubscription"},
        {"zzzzzzzzzzzz", ""},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        char text[400];
        muir_input_suggest(NULL, pairs[i][0], text, sizeof text);
        if (strcmp(text, pairs[i][1]) != 0) fprintf(stderr, "%s: '%s'\n", pairs[i][0], text);
        CU_ASSERT_STRING_EQUAL(text, pairs[i][1]);
    }
}

static void every_synonym_leads_to_a_key(void)
{
#define SYNONYM(word, key) {word, key},
    static const char *const rows[][2] = {
#include "scenario/synonyms.def"
    };
#undef SYNONYM
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        muir_input_key key;
        char first[MUIR_KEY_SIZE];
        snprintf(first, sizeof first, "%.*s", (int)strcspn(rows[i][1], "'"), rows[i][1]);
        if (!muir_input_find(first, &key)) fprintf(stderr, "%s: '%s' is no key\n", rows[i][0], first);
        CU_ASSERT(muir_input_find(first, &key));
        CU_ASSERT_FALSE(muir_input_find(rows[i][0], &key));
    }
}

static void who_gives_days_drops_the_steps_of_the_file(void)
{
    static const char *const days[] = {"days=2h"}, *const steps[] = {"days=1", "steps=7"};
    muir_scenario scenario;
    CU_ASSERT_EQUAL(muir_scenario_load(muir_test_ctx(), "rainier-1f1b", days, 1, &scenario), MUIR_OK);
    CU_ASSERT_EQUAL(scenario.run.steps, 0);
    CU_ASSERT_DOUBLE_EQUAL(scenario.run.days, 2.0 / 24.0, 1e-15);
    CU_ASSERT_EQUAL(muir_scenario_load(muir_test_ctx(), "rainier-1f1b", steps + 1, 1, &scenario), MUIR_OK);
    CU_ASSERT_EQUAL(scenario.run.steps, 7);
    CU_ASSERT_EQUAL(muir_scenario_load(muir_test_ctx(), "rainier-1f1b", steps, 2, &scenario), MUIR_ERR_ARG);
    muir_ctx_clear(muir_test_ctx());
}

/* Files. */

static void write_bytes(const char *text, size_t length, char fill, size_t n_fill, const char *end)
{
    FILE *file = fopen(path, "wb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    fwrite(text, 1, length, file);
    for (size_t i = 0; i < n_fill; i++) fputc(fill, file);
    fputs(end, file);
    fclose(file);
}

static void check_message(const char *expected)
{
    muir_scenario scenario;
    muir_ctx *ctx = muir_test_ctx();
    muir_ctx_clear(ctx);
    CU_ASSERT_EQUAL(muir_scenario_load(ctx, path, NULL, 0, &scenario), MUIR_ERR_ARG);
    if (strcmp(ctx->message, expected) != 0) fprintf(stderr, "%s\n  not %s\n", ctx->message, expected);
    CU_ASSERT_STRING_EQUAL(ctx->message, expected);
    muir_ctx_clear(ctx);
    unlink(path);
}

static void check_refused(const char *text, const char *expected)
{
    write_bytes(text, strlen(text), 0, 0, "");
    check_message(expected);
}

static void what_muir_does_not_read_is_refused_with_its_line(void)
{
    check_refused("steps: &a 3\nseed: *a\n",
                  "test_inputs.yaml:2: aliases (*a) are not supported: write the value itself");
    check_refused("steps: 3\n---\nsteps: 4\n",
                  "test_inputs.yaml:2: a second document starts here; a file holds one");
    check_refused("steps: !!int 3\n",
                  "test_inputs.yaml:1: tags (!...) are not supported: write the value alone");
    check_refused("? [a]\n: 3\n", "test_inputs.yaml:1: a key must be a word, not a list or a mapping");
    check_refused("steps: 3\nseed: 1\nsteps: 4\n",
                  "test_inputs.yaml:3: key 'steps' is given twice, first in line 1");
    check_refused("parallel: {tp: 1}\nseed: 1\nparallel: {pp: 1}\n",
                  "test_inputs.yaml:3: key 'parallel' is given twice, first in line 1");
    check_refused("parallel:\n  tp: 1\n  tp: 2\n",
                  "test_inputs.yaml:3: key 'parallel.tp' is given twice, first in line 2");
    check_refused("fleet: \"a\\0b\"\n", "test_inputs.yaml:1: a text holds a zero byte");
    check_refused("fleet: tiny\nmodel: 'a\x01'\n",
                  "test_inputs.yaml:2: not YAML: control characters are not allowed");
    check_refused(
        "tp: 2\n",
        "test_inputs.yaml:1: unknown key 'tp', did you mean 'parallel.tp'? (muir help scenario lists "
        "the keys)");
    check_refused("overrides: overrides=seed=3\n",
                  "the scenario's overrides overrides=seed=3: write the keys themselves "
                  "instead of overrides=...");
}

static void absurd_files_are_answered_at_once(void)
{
    write_bytes("", 0, '[', 200000, "");
    check_message("test_inputs.yaml:1: nested more than 8 levels deep");
    write_bytes("a: ", 3, '[', 100, "");
    check_message("test_inputs.yaml:1: nested more than 8 levels deep");
    write_bytes("fleet: ", 7, 'a', 10 << 20, "\n");
    check_message("test_inputs.yaml:1: fleet is "
                  "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa... (10,485,760 "
                  "characters)', but must be a name of at most 63 characters");
    write_bytes("", 0, 'k', 100000, ": 1\n");
    check_message("test_inputs.yaml:1: not YAML: mapping values are not allowed in this context");
}

static void a_byte_order_mark_is_no_mistake(void)
{
    muir_scenario scenario;
    write_bytes("\xef\xbb\xbf"
                "fleet: tiny\nmodel: tiny-30m\nseed: 9\n",
                38, 0, 0, "");
    CU_ASSERT_EQUAL(muir_scenario_load(muir_test_ctx(), path, NULL, 0, &scenario), MUIR_OK);
    CU_ASSERT_EQUAL(scenario.run.seed, 9);
    unlink(path);
}

static void resolved_texts_read_back(void)
{
    muir_scenario scenario = scenario_of("tiny", NULL), again;
    char *text = NULL;
    strcpy(scenario.run.description, "it's \"a\" \\ line\nand another");
    CU_ASSERT_EQUAL_FATAL(muir_scenario_text(muir_test_ctx(), &scenario, true, &text), MUIR_OK);
    write_bytes(text, strlen(text), 0, 0, "");
    CU_ASSERT_EQUAL(muir_scenario_load(muir_test_ctx(), path, NULL, 0, &again), MUIR_OK);
    CU_ASSERT_STRING_EQUAL(again.run.description, scenario.run.description);
    free(text);
    unlink(path);
}

/* Tables by the words of a key have a row for each of them; the words make the index (MUIR_LOSS_XLA). */
static void every_word_that_has_a_table_has_its_row(void)
{
#define LOSS(id, ...) +1
#define ALLOCATOR(id, ...) +1
#define OPTIMIZER(id, ...) +1
    static const struct {
        const char *key;
        int rows;
    } tables[] = {{"stack.loss", 0
#include "memory/losses.def"
                  },
                  {"stack.allocator", 0
#include "memory/allocators.def"
                  },
                  {"optimizer", 0
#include "models/optimizers.def"
                  }};
    for (size_t t = 0; t < sizeof tables / sizeof tables[0]; t++) {
        muir_input_key key = {.input = NULL};
        int words = 0;
        CU_ASSERT_FATAL(muir_input_find(tables[t].key, &key));
        while (key.option->words[words]) words++;
        CU_ASSERT_EQUAL(words, tables[t].rows);
    }
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"a resumption differs by every key but those that are free",
         a_resumption_differs_by_every_key_but_those_that_are_free},
        {"every free pattern names a key", every_free_pattern_names_a_key},
        {"every name finds its key", every_name_finds_its_key},
        {"every text of a file fits on a line of the identity",
         every_text_of_a_file_fits_on_a_line_of_the_identity},
        {"words of others lead to keys", words_of_others_lead_to_keys},
        {"every synonym leads to a key", every_synonym_leads_to_a_key},
        {"who gives days drops the steps of the file", who_gives_days_drops_the_steps_of_the_file},
        {"what muir does not read is refused with its line",
         what_muir_does_not_read_is_refused_with_its_line},
        {"absurd files are answered at once", absurd_files_are_answered_at_once},
        {"a byte order mark is no mistake", a_byte_order_mark_is_no_mistake},
        {"every word that has a table has its row", every_word_that_has_a_table_has_its_row},
        {"resolved texts read back", resolved_texts_read_back},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "inputs", tests);
}
