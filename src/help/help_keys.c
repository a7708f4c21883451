/* SPDX-License-Identifier: BSD-3-Clause */
/* Help on keys of files: whole kinds, sections, single keys, and how values are written. */
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/quantity.h"
#include "base/units.h"
#include "help/help.h"
#include "text/print.h"
#include "plan/plan.h"
#include "scenario/inputs.h"
#include "scenario/tuning_table.h"

enum { KEY_INDENT = 37, FACT_INDENT = 12, MOST_TAILS = 3, TEXT_SIZE = 1200 };

#define PAGE(pattern, page) {pattern, page},
static const struct {
    const char *pattern, *page;
} pages[] = {
#include "help/pages.def"
};
#undef PAGE

static const char *page_of(const char *key)
{
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++)
        if (fnmatch(pages[i].pattern, key, 0) == 0) return pages[i].page;
    return NULL;
}

static const char *type_name(muir_option_type type)
{
    switch (type) {
    case MUIR_OPTION_INT: return "whole number";
    case MUIR_OPTION_AUTO: return "whole number or auto";
    case MUIR_OPTION_FLOAT: return "number";
    case MUIR_OPTION_BOOL: return "true or false";
    case MUIR_OPTION_NAME: return "name";
    case MUIR_OPTION_TEXT: return "text";
    case MUIR_OPTION_CHOICE: return "word";
    case MUIR_OPTION_DIMS: return "sizes such as 4x4x4";
    }
    return "";
}

static bool is_number(const muir_option *option)
{
    return option->type == MUIR_OPTION_INT || option->type == MUIR_OPTION_AUTO ||
           option->type == MUIR_OPTION_FLOAT;
}

/* The unit as muir_quantity knows it. */
static const char *unit_of(const muir_option *option)
{
    return option->type != MUIR_OPTION_FLOAT && !option->units[0] ? MUIR_UNIT_WHOLE : option->units;
}

/* "1 to 1,000,000 chips", "none, selective or full". */
static void allowed_text(const muir_option *option, char *text, size_t size)
{
    const char *dots = strstr(option->allowed, "..");
    text[0] = '\0';
    if (dots && is_number(option)) {
        const double most = strtod(dots + 2, NULL);
        const bool is_count = option->type != MUIR_OPTION_FLOAT && most < 9.2e18;
        snprintf(text, size, "%.*s to %s%s%s", (int)(dots - option->allowed), option->allowed,
                 is_count ? muir_count_text((long long)most).s : dots + 2, option->units[0] ? " " : "",
                 option->units);
        return;
    }
    size_t used = 0;
    for (const char *p = option->allowed; *p && used < size;) {
        const size_t n = strcspn(p, "|");
        const bool is_last = p[n] == '\0', is_first = p == option->allowed;
        used += (size_t)snprintf(text + used, size - used, "%s%.*s",
                                 is_first  ? ""
                                 : is_last ? " or "
                                           : ", ",
                                 (int)n, p);
        p += n + !is_last;
    }
}

static json_t *option_json(const char *key, const char *kind, const muir_option *option)
{
    const char *page = page_of(key), *reason = muir_input_freedom(key);
    json_t *json =
        json_pack("{s:s,s:s,s:s,s:s,s:s*,s:s,s:s,s:b}", "key", key, "kind", kind, "type",
                  type_name(option->type), "unit", option->units, "default", option->initial, "allowed",
                  option->allowed, "help", option->help, "is_required", option->initial == NULL);
    if (page) json_object_set_new(json, "see", json_string(page));
    if (reason) json_object_set_new(json, "may_differ_on_resume", json_string(reason));
    return json;
}

/* One entry of a list of keys. */
static void print_entry(const char *key, const muir_option *option)
{
    char first[MUIR_KEY_SIZE + 8], text[TEXT_SIZE];
    const bool has_default = option->initial && option->initial[0];
    snprintf(first, sizeof first, "  %s ", key);
    snprintf(text, sizeof text, "%s%s%s%s%s%s%s%s", option->help, option->units[0] ? " [" : "", option->units,
             option->units[0] ? "]" : "", option->allowed[0] ? ", " : "", option->allowed,
             !option->initial ? "; must be given"
             : has_default    ? "; default "
                              : "",
             has_default ? option->initial : "");
    muir_print_wrapped(first, KEY_INDENT, text);
}

/* Kinds of files. */

static const muir_schema *kind_at(int i)
{
    if (i < muir_input_count()) return muir_input_at(i)->schema;
    return i == muir_input_count() ? &muir_tuning_schema : NULL;
}

static const char *kind_word(int i)
{
    return kind_at(i) ? kind_at(i)->kind : NULL;
}

static const char *prefix_of(const muir_schema *kind)
{
    for (int i = 0; i < muir_input_count(); i++)
        if (muir_input_at(i)->schema == kind) return muir_input_at(i)->prefix;
    return "";
}

/* Keys of a kind, of one section or of all; named as in its files, or as arguments name them. */
static void list_keys(const muir_schema *kind, const char *section, json_t *list)
{
    for (int s = 0; s < kind->n_sections; s++) {
        if (section && strcmp(kind->sections[s].name, section) != 0) continue;
        for (int i = 0; i < kind->sections[s].n_options; i++) {
            const muir_option *option = &kind->sections[s].options[i];
            char path[2 * MUIR_NAME_SIZE], key[MUIR_KEY_SIZE];
            muir_option_path(&kind->sections[s], option, path, sizeof path);
            snprintf(key, sizeof key, "%s%s", prefix_of(kind), path);
            if (list)
                json_array_append_new(list, option_json(key, kind->kind, option));
            else
                print_entry(section ? key : path, option);
        }
    }
}

static bool answer_kind(const char *word, json_t *json)
{
    for (int i = 0; kind_at(i); i++) {
        const muir_schema *kind = kind_at(i);
        if (strcmp(word, kind->kind) != 0) continue;
        json_t *list = json ? json_array() : NULL;
        if (!json && kind->folder)
            printf("keys of %s files (data/%s)%s%s%s\n", kind->kind, kind->folder,
                   prefix_of(kind)[0] ? "; as arguments with " : "", prefix_of(kind),
                   prefix_of(kind)[0] ? " before" : "");
        else if (!json)
            printf("keys of a row in a %s table\n", kind->kind);
        list_keys(kind, NULL, list);
        if (json) json_object_set_new(json, "keys", list);
        return true;
    }
    return false;
}
const muir_topic muir_topic_kinds = {answer_kind, kind_word};

/* Sections: "parallel", "fleet.fabric". */

static const char *find_section(const char *word, const muir_input **input)
{
    for (int i = 0; i < muir_input_count(); i++) {
        *input = muir_input_at(i);
        const size_t n = strlen((*input)->prefix);
        if (strncmp(word, (*input)->prefix, n) != 0) continue;
        for (int s = 0; s < (*input)->schema->n_sections; s++) {
            const char *name = (*input)->schema->sections[s].name;
            if (name[0] && strcmp(word + n, name) == 0) return name;
        }
    }
    return NULL;
}

static bool answer_section(const char *word, json_t *json)
{
    const muir_input *input = NULL;
    const char *name = find_section(word, &input);
    if (!name) return false;
    json_t *list = json ? json_array() : NULL;
    if (!json) printf("keys of `%s:` in %s files\n", name, input->schema->kind);
    list_keys(input->schema, name, list);
    if (json) json_object_set_new(json, "keys", list);
    return true;
}

static const char *section_word(int i)
{
    for (int k = 0; k < muir_input_count(); k++)
        for (int s = 0; s < muir_input_at(k)->schema->n_sections; s++) {
            const muir_section *section = &muir_input_at(k)->schema->sections[s];
            if (section->name[0] && muir_input_at(k)->prefix[0] == '\0' && i-- == 0) return section->name;
        }
    return NULL;
}
const muir_topic muir_topic_sections = {answer_section, section_word};

/* Single keys. */

static void print_fact(const char *name, const char *text)
{
    char first[40];
    snprintf(first, sizeof first, "  %s ", name);
    if (text && text[0]) muir_print_wrapped(first, FACT_INDENT, text);
}

static const char *search_of(const char *key)
{
    for (int i = 0; i < muir_plan_key_count(); i++)
        if (strcmp(muir_plan_key(i), key) == 0) return muir_plan_key_help(i);
    return NULL;
}

static void print_key(const muir_input_key *key)
{
    const muir_option *o = key->option;
    const muir_schema *kind = key->input->schema;
    char text[TEXT_SIZE];
    snprintf(text, sizeof text, "%s: %s", key->name, o->help);
    muir_print_wrapped("", 0, text);
    snprintf(text, sizeof text, "%s%s%s%s", type_name(o->type), o->units[0] ? " [" : "", o->units,
             o->units[0] ? "]" : "");
    print_fact("value", text);
    print_fact("default", !o->initial ? "none: it must be given" : o->initial[0] ? o->initial : "none");
    allowed_text(o, text, sizeof text);
    print_fact("allowed", text);
    if (is_number(o)) print_fact("units", muir_quantity_suffixes(unit_of(o)));
    snprintf(text, sizeof text, "%s files (data/%s)%s%s%s; as an argument %s=...", kind->kind, kind->folder,
             key->section->name[0] ? ", under " : "", key->section->name, key->section->name[0] ? ":" : "",
             key->name);
    print_fact("where", text);
    const char *searched = search_of(key->name), *reason = muir_input_freedom(key->name);
    if (searched) snprintf(text, sizeof text, "muir plan tries %s", searched);
    print_fact("search", searched ? text : NULL);
    if (reason) snprintf(text, sizeof text, "another value is allowed: %s", reason);
    print_fact("resume", reason ? text : "a run must be resumed with the value that it began with");
    print_fact("see", page_of(key->name));
}

static bool ends_in_word(const char *key, const char *word)
{
    const size_t n = strlen(key), m = strlen(word);
    return m > 0 && m < n && key[n - m - 1] == '.' && strcmp(key + n - m, word) == 0;
}

/* The key of that name, or those that end in it, unless the word has another meaning.
 * found  out  [MOST_TAILS]
 * Returns how many, 0 also where there are more than fit. */
static int find_keys(const char *word, muir_input_key *found)
{
    const muir_input *input = NULL;
    muir_input_key key = {.input = NULL};
    int n = 0;
    if (muir_input_find(word, &found[0])) return 1;
    if (muir_command_find(word) || find_section(word, &input)) return 0;
    while (muir_input_next(&key)) {
        if (!ends_in_word(key.name, word)) continue;
        if (n == MOST_TAILS) return 0;
        found[n++] = key;
    }
    return n;
}

static bool answer_key(const char *word, json_t *json)
{
    muir_input_key found[MOST_TAILS];
    const int n = find_keys(word, found);
    json_t *list = json && n > 0 ? json_array() : NULL;
    for (int i = 0; i < n; i++) {
        if (!json && i > 0) printf("\n");
        if (list)
            json_array_append_new(list,
                                  option_json(found[i].name, found[i].input->schema->kind, found[i].option));
        else
            print_key(&found[i]);
    }
    if (list) json_object_set_new(json, "keys", list);
    return n > 0;
}

/* The dispatcher asks muir_input_suggest for words that are nearly keys. */
static const char *no_word(int i)
{
    (void)i;
    return NULL;
}
const muir_topic muir_topic_keys = {answer_key, no_word};

/* How numbers are written. */

static bool answer_values(const char *word, json_t *json)
{
    static const char *const units[] = {MUIR_UNIT_WHOLE, "chips",  "tokens", "",  "s",   "days", "byte",
                                        "byte/s",        "FLOP/s", "W",      "J", "1/s", "degC"};
    if (strcmp(word, "values") != 0) return false;
    json_t *list = json ? json_object() : NULL;
    if (!json)
        printf("how values are written, in files and arguments: a number in the key's unit (1024, 1,024, "
               "1e6, 0.5), or\n"
               "one followed by\n");
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        const char *name = strcmp(units[i], MUIR_UNIT_WHOLE) == 0 ? "(whole number)"
                           : units[i][0]                          ? units[i]
                                                                  : "(share)";
        char first[40];
        snprintf(first, sizeof first, "  %s ", name);
        if (list)
            json_object_set_new(list, name, json_string(muir_quantity_suffixes(units[i])));
        else
            muir_print_wrapped(first, 20, muir_quantity_suffixes(units[i]));
    }
    if (json) json_object_set_new(json, "values", list);
    if (!json)
        printf(
            "Capitals do not matter: BF16, True, Auto. true, yes, on and 1 mean the same, as do false, "
            "no, off, 0.\n"
            "Everything that muir prints it also reads: 2 h 05 min, 3 d 4 h, 80.0 GiB, 400 GB/s, 35.7 %%.\n");
    return true;
}

static const char *values_word(int i)
{
    return i == 0 ? "values" : NULL;
}
const muir_topic muir_topic_values = {answer_values, values_word};
