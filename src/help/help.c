/* SPDX-License-Identifier: BSD-3-Clause */
/* muir help: one word explained, by every table that knows it. */
#include "help/help.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cmd/args.h"
#include "text/print.h"
#include "scenario/inputs.h"

/* In the order of their answers; a word may have several. */
static const muir_topic *const topics[] = {&muir_topic_plan,     &muir_topic_values,   &muir_topic_keys,
                                           &muir_topic_sections, &muir_topic_kinds,    &muir_topic_events,
                                           &muir_topic_glossary, &muir_topic_telemetry};
enum { TOPICS = sizeof topics / sizeof topics[0], MOST_WORDS = 6 };

static bool answer_command(const char *word, json_t *json)
{
    const muir_command *command = muir_command_find(word);
    if (!command) return false;
    if (json)
        json_object_set_new(json, "command", muir_cmd_json(command));
    else
        muir_cmd_print(command);
    return true;
}

static bool is_known(const muir_topic *topic, const char *word)
{
    json_t *tried = json_object();
    const bool is_answer = topic->answer(word, tried);
    json_decref(tried);
    return is_answer;
}

/* Every topic that knows the word, with an empty line between two answers. */
static bool answer(const char *word, json_t *json)
{
    bool is_answered = answer_command(word, json);
    for (int t = 0; t < TOPICS; t++) {
        if (!is_known(topics[t], word)) continue;
        if (is_answered && !json) printf("\n");
        is_answered = topics[t]->answer(word, json) || is_answered;
    }
    return is_answered;
}

static void take_nearer(const char *word, const char *candidate, const char **best)
{
    const char *const both[] = {*best, candidate};
    const char *nearest = muir_closest(word, *best ? both : both + 1, *best ? 2 : 1);
    if (nearest) *best = nearest;
}

static muir_status fail_unknown(muir_ctx *ctx, const char *word)
{
    const char *best = NULL;
    char keys[4 * MUIR_KEY_SIZE], kinds[200];
    for (int i = 0; i < muir_command_count(); i++) take_nearer(word, muir_command_at(i)->name, &best);
    for (int t = 0; t < TOPICS; t++)
        for (int i = 0; topics[t]->word(i); i++) take_nearer(word, topics[t]->word(i), &best);
    muir_input_suggest(NULL, word, keys, sizeof keys);
    if (keys[0] && (!best || strchr(word, '.'))) best = keys;
    muir_input_kinds_text(kinds, sizeof kinds);
    return muir_fail(
        ctx, MUIR_ERR_ARG,
        "no help on '%s'%s%s%s; muir help takes a command, a key, a kind of file (%s, tuning), a word "
        "of the glossary, telemetry, events, plan, values or words",
        muir_quote(word).s, best ? ", did you mean '" : "", best ? best : "", best ? "'?" : "", kinds);
}

static muir_status run(muir_ctx *ctx, int argc, char **argv)
{
    muir_status st = MUIR_OK;
    muir_args args = {.positional = NULL};
    const char *json_path = NULL;
    const muir_arg known[] = {{"--json", NULL, &json_path, NULL}};
    char word[200] = "";
    MUIR_TRY(muir_args_read_words(ctx, argc, argv, known, 1, MOST_WORDS, &args));
    for (int i = 0; i < args.n_words; i++) { /* context parallel */
        const size_t used = strlen(word);
        snprintf(word + used, sizeof word - used, "%s%s", i ? " " : "", args.words[i]);
    }
    if (args.n_overrides > 0) MUIR_TRY(fail_unknown(ctx, args.overrides[0]));
    json_t *json = json_path ? json_object() : NULL;
    if (word[0]) {
        if (!answer(word, json)) st = fail_unknown(ctx, word);
    } else if (json) {
        json_object_set_new(json, "commands", muir_cmd_list_json());
    } else {
        muir_cmd_print_list();
    }
    if (json && st == MUIR_OK)
        st = muir_print_json(ctx, json, json_path);
    else
        json_decref(json);
done:
    muir_args_free(&args);
    return st;
}

const muir_command muir_command_help = {
    .name = "help",
    .usage = "[WORD] [--json FILE]",
    .summary = "explain one word: a command, a key, a kind of file, a term",
    .help =
        "  COMMAND       its options, as in muir help run\n"
        "  KEY           its meaning, unit, default and range, as in muir help parallel.tp\n"
        "  KIND          every key of one kind of file: scenario, fleet, chip, library, stack, model, "
        "faults, tuning\n"
        "  SECTION       the keys of one section, as in muir help power, muir help fleet.fabric\n"
        "  TERM          a word of the glossary, as in muir help MFU; `muir help words` prints all of them\n"
        "  telemetry     every column of the telemetry file; muir help mfu prints one\n"
        "  events        kinds of events\n"
        "  plan          keys that muir plan searches\n"
        "  values        how numbers may be written, such as 8k, 50 %, 2 h 05 min, 400 Gb/s\n"
        "  --json FILE   the same for programs; `-` writes it to standard output, without the text\n",
    .mpi = MUIR_MPI_NONE,
    .run = run,
};
