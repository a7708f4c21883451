/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading, checking and printing of declared options. */
#include "base/options.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/quantity.h"
#include "base/text.h"

static char *field_of(const muir_section *section, const muir_option *option, void *file)
{
    return (char *)file + section->offset + option->offset;
}

static const char *field_of_const(const muir_section *section, const muir_option *option, const void *file)
{
    return (const char *)file + section->offset + option->offset;
}

static bool is_whole(double value)
{
    return value == floor(value) && fabs(value) <= 9007199254740992.0; /* 2^53 */
}

static bool in_range(const char *allowed, double value)
{
    const char *dots = strstr(allowed, "..");
    return !dots || (value >= strtod(allowed, NULL) && value <= strtod(dots + 2, NULL));
}

static int choice_of(const char *const *words, const char *text)
{
    for (int i = 0; words[i]; i++)
        if (strcasecmp(words[i], text) == 0) return i;
    return -1;
}

static bool bool_of(const char *text, bool *value)
{
    static const char *const words[][2] = {{"false", "true"}, {"no", "yes"}, {"off", "on"}, {"0", "1"}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        for (int is_true = 0; is_true < 2; is_true++)
            if (strcasecmp(text, words[i][is_true]) == 0) {
                *value = is_true;
                return true;
            }
    return false;
}

/* The unit that a number is read in: whole numbers that count nothing in particular are no shares. */
static const char *unit_of(const muir_option *option)
{
    const bool is_plain = option->type != MUIR_OPTION_FLOAT && option->units[0] == '\0';
    return is_plain ? MUIR_UNIT_WHOLE : option->units;
}

static bool is_number(muir_option_type type)
{
    return type == MUIR_OPTION_INT || type == MUIR_OPTION_AUTO || type == MUIR_OPTION_FLOAT;
}

/* 4, 4x4 or 4x4x4; missing dimensions are 1. */
static bool dims_of(const char *text, int dims[MUIR_DIMS])
{
    int n = 0, used = 0;
    for (const char *p = text;; p += used + 1) {
        int d = 0;
        if (n == MUIR_DIMS || p[0] < '0' || p[0] > '9' || sscanf(p, "%6d%n", &d, &used) != 1 || d < 1)
            return false;
        dims[n++] = d;
        if (p[used] == '\0') break;
        if (p[used] != 'x') return false;
    }
    while (n < MUIR_DIMS) dims[n++] = 1;
    return true;
}

static const char *type_text(muir_option_type type)
{
    switch (type) {
    case MUIR_OPTION_INT: return "a whole number";
    case MUIR_OPTION_AUTO: return "a whole number or auto";
    case MUIR_OPTION_FLOAT: return "a number";
    case MUIR_OPTION_BOOL: return "true or false";
    case MUIR_OPTION_NAME: return "a name";
    case MUIR_OPTION_TEXT: return "a text";
    case MUIR_OPTION_CHOICE: return "one of these words";
    case MUIR_OPTION_DIMS: return "sizes such as 4x4x4";
    }
    return "";
}

static bool set_text(const char *text, char *field, size_t size)
{
    if (strlen(text) >= size) return false;
    memset(field, 0, size); /* the bytes are sent to other ranks and stored whole */
    memcpy(field, text, strlen(text));
    return true;
}

static bool set_value(const muir_option *option, const char *text, char *field)
{
    double number = 0.0;
    switch (option->type) {
    case MUIR_OPTION_AUTO:
        if (strcasecmp(text, "auto") == 0) {
            *(int64_t *)(void *)field = 0;
            return true;
        }
        /* fall through */
    case MUIR_OPTION_INT:
        if (!muir_quantity_read(text, unit_of(option), &number) || !is_whole(number) ||
            !in_range(option->allowed, number))
            return false;
        *(int64_t *)(void *)field = (int64_t)number;
        return true;
    case MUIR_OPTION_FLOAT:
        if (!muir_quantity_read(text, unit_of(option), &number) || !in_range(option->allowed, number))
            return false;
        *(double *)(void *)field = number;
        return true;
    case MUIR_OPTION_BOOL: return bool_of(text, (bool *)(void *)field);
    case MUIR_OPTION_NAME: return set_text(text, field, MUIR_NAME_SIZE);
    case MUIR_OPTION_TEXT: return set_text(text, field, MUIR_TEXT_SIZE);
    case MUIR_OPTION_CHOICE: {
        const int choice = choice_of(option->words, text);
        if (choice >= 0) *(int *)(void *)field = choice;
        return choice >= 0;
    }
    case MUIR_OPTION_DIMS: {
        int dims[MUIR_DIMS];
        if (!dims_of(text, dims)) return false;
        memcpy(field, dims, sizeof dims);
        return true;
    }
    }
    return false;
}

muir_status muir_option_set(muir_ctx *ctx, const char *where, const muir_section *section,
                            const muir_option *option, const char *text, void *file)
{
    if (set_value(option, text, field_of(section, option, file))) return MUIR_OK;
    char path[2 * MUIR_NAME_SIZE], limit[40] = "";
    double number = 0.0;
    muir_option_path(section, option, path, sizeof path);
    const bool is_text = option->type == MUIR_OPTION_NAME || option->type == MUIR_OPTION_TEXT;
    if (is_text)
        snprintf(limit, sizeof limit, " of at most %d characters",
                 (option->type == MUIR_OPTION_NAME ? MUIR_NAME_SIZE : MUIR_TEXT_SIZE) - 1);
    /* A number with something behind it: say what may stand there. */
    const bool is_suffix_wrong = is_number(option->type) && strpbrk(text, "0123456789") &&
                                 !muir_quantity_read(text, unit_of(option), &number);
    const bool has_allowed = option->allowed[0] != '\0';
    return muir_fail(ctx, MUIR_ERR_ARG, "%s: %s is '%s', but must be %s%s%s%s%s%s%s%s", where, path,
                     muir_quote(text).s, type_text(option->type), limit, has_allowed ? ": " : "",
                     option->allowed, option->units[0] ? " " : "", option->units,
                     is_suffix_wrong ? "; it may be written with " : "",
                     is_suffix_wrong ? muir_quantity_suffixes(unit_of(option)) : "");
}

muir_status muir_schema_defaults(muir_ctx *ctx, const muir_schema *schema, void *file)
{
    memset(file, 0, schema->size);
    for (int s = 0; s < schema->n_sections; s++) {
        const muir_section *section = &schema->sections[s];
        for (int i = 0; i < section->n_options; i++) {
            const muir_option *option = &section->options[i];
            if (!option->initial) continue;
            const muir_status st = muir_option_set(ctx, "default", section, option, option->initial, file);
            if (st != MUIR_OK) return st;
        }
    }
    return MUIR_OK;
}

/* The shortest text that reads back as the same number. */
static void float_text(double value, char *text, size_t size)
{
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, size, "%.*g", digits, value);
        if (strtod(text, NULL) == value) return;
    }
}

void muir_option_get(const muir_section *section, const muir_option *option, const void *file, char *text,
                     size_t size)
{
    const char *field = field_of_const(section, option, file);
    const void *value = field;
    switch (option->type) {
    case MUIR_OPTION_AUTO:
        if (*(const int64_t *)value == 0) {
            snprintf(text, size, "auto");
            return;
        }
        /* fall through */
    case MUIR_OPTION_INT: snprintf(text, size, "%lld", (long long)*(const int64_t *)value); return;
    case MUIR_OPTION_FLOAT: float_text(*(const double *)value, text, size); return;
    case MUIR_OPTION_BOOL: snprintf(text, size, "%s", *(const bool *)value ? "true" : "false"); return;
    case MUIR_OPTION_NAME:
    case MUIR_OPTION_TEXT: snprintf(text, size, "%s", field); return;
    case MUIR_OPTION_CHOICE: snprintf(text, size, "%s", option->words[*(const int *)value]); return;
    case MUIR_OPTION_DIMS: {
        const int *d = value;
        snprintf(text, size, "%dx%dx%d", d[0], d[1], d[2]);
        return;
    }
    }
}

void muir_option_copy(const muir_section *section, const muir_option *option, const void *from, void *to)
{
    static const size_t sizes[] = {
        [MUIR_OPTION_INT] = sizeof(int64_t),  [MUIR_OPTION_AUTO] = sizeof(int64_t),
        [MUIR_OPTION_FLOAT] = sizeof(double), [MUIR_OPTION_BOOL] = sizeof(bool),
        [MUIR_OPTION_NAME] = MUIR_NAME_SIZE,  [MUIR_OPTION_TEXT] = MUIR_TEXT_SIZE,
        [MUIR_OPTION_CHOICE] = sizeof(int),   [MUIR_OPTION_DIMS] = MUIR_DIMS * sizeof(int),
    };
    memcpy(field_of(section, option, to), field_of_const(section, option, from), sizes[option->type]);
}

const muir_option *muir_schema_find(const muir_schema *schema, const char *path, const muir_section **section)
{
    const char *dot = strchr(path, '.');
    const size_t length = dot ? (size_t)(dot - path) : 0;
    const char *name = dot ? dot + 1 : path;
    for (int s = 0; s < schema->n_sections; s++) {
        *section = &schema->sections[s];
        if (strlen((*section)->name) != length || strncmp((*section)->name, path, length) != 0) continue;
        for (int i = 0; i < (*section)->n_options; i++)
            if (strcmp((*section)->options[i].name, name) == 0) return &(*section)->options[i];
    }
    return NULL;
}

const char *muir_schema_word(const muir_schema *schema, const char *path, int choice)
{
    const muir_section *section = NULL;
    return muir_schema_find(schema, path, &section)->words[choice];
}

void muir_option_path(const muir_section *section, const muir_option *option, char *text, size_t size)
{
    snprintf(text, size, "%s%s%s", section->name, section->name[0] ? "." : "", option->name);
}
