/* SPDX-License-Identifier: BSD-3-Clause */
/* Words and values out of shell scripts and documents. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "import/launch.h"

enum { FIRST_PAIRS = 64, MOST_PAIRS = 100000, TOKEN = 8192, DEEPEST = 32 };

muir_status muir_pairs_add(muir_ctx *ctx, muir_pairs *pairs, const char *name, const char *value)
{
    if (pairs->n >= MOST_PAIRS) return muir_fail(ctx, MUIR_ERR_ARG, "more than %d words", MOST_PAIRS);
    if (pairs->n == pairs->room) {
        const int room = pairs->room ? 2 * pairs->room : FIRST_PAIRS;
        muir_pair *more = realloc(pairs->at, (size_t)room * sizeof *more);
        if (!more) return muir_fail(ctx, MUIR_ERR_MEM, "no memory for the words of a launch line");
        pairs->at = more;
        pairs->room = room;
    }
    muir_pair *pair = &pairs->at[pairs->n++];
    *pair = (muir_pair){.is_used = false};
    snprintf(pair->name, sizeof pair->name, "%s", name);
    snprintf(pair->value, sizeof pair->value, "%s", value);
    for (char *c = pair->name; *c; c++) *c = *c == '_' ? '-' : (char)tolower((unsigned char)*c);
    for (char *c = pair->value; *c; c++)
        if ((unsigned char)*c < ' ') *c = ' ';
    return MUIR_OK;
}

void muir_pairs_free(muir_pairs *pairs)
{
    free(pairs->at);
    *pairs = (muir_pairs){.at = NULL};
}

/* Whether a name is the word, or a nested one that ends in it. */
static bool is_word(const char *name, const char *word)
{
    const size_t n = strlen(name), w = strlen(word);
    if (n < w || strcmp(name + n - w, word) != 0) return false;
    return n == w || name[n - w - 1] == '.';
}

const char *muir_pairs_get(muir_pairs *pairs, const char *word)
{
    const char *value = NULL;
    for (int i = 0; i < pairs->n; i++)
        if (is_word(pairs->at[i].name, word)) {
            pairs->at[i].is_used = true;
            value = pairs->at[i].value;
        }
    return value;
}

long long muir_pairs_int(muir_pairs *pairs, const char *word, long long otherwise)
{
    const char *value = muir_pairs_get(pairs, word);
    char *end = NULL;
    const long long number = value ? strtoll(value, &end, 10) : 0;
    return value && end != value && *end == '\0' && number > -1000000000000 && number < 1000000000000
               ? number
               : otherwise;
}

static muir_status add_leaf(muir_ctx *ctx, const char *name, const json_t *value, muir_pairs *pairs)
{
    char text[200];
    if (json_is_string(value)) return muir_pairs_add(ctx, pairs, name, json_string_value(value));
    if (json_is_boolean(value))
        return muir_pairs_add(ctx, pairs, name, json_is_true(value) ? "true" : "false");
    if (json_is_integer(value))
        snprintf(text, sizeof text, "%lld", (long long)json_integer_value(value));
    else if (json_is_real(value))
        snprintf(text, sizeof text, "%.12g", json_real_value(value));
    else
        return MUIR_OK;
    return muir_pairs_add(ctx, pairs, name, text);
}

static muir_status add_tree(muir_ctx *ctx, const char *prefix, const json_t *tree, int depth,
                            muir_pairs *pairs)
{
    const char *key;
    json_t *value;
    size_t i;
    if (depth > DEEPEST) return muir_fail(ctx, MUIR_ERR_ARG, "nested more than %d deep", DEEPEST);
    if (json_is_array(tree)) { /* the names in a list, as torchtitan's converters */
        json_array_foreach(tree, i, value) if (json_is_string(value))
        {
            const muir_status st = add_leaf(ctx, prefix, value, pairs);
            if (st != MUIR_OK) return st;
        }
        return MUIR_OK;
    }
    if (!json_is_object(tree)) return add_leaf(ctx, prefix, tree, pairs);
    json_object_foreach((json_t *)(uintptr_t)tree, key, value)
    {
        char name[160];
        snprintf(name, sizeof name, "%.80s%s%.70s", prefix, prefix[0] ? "." : "", key);
        const muir_status st = add_tree(ctx, name, value, depth + 1, pairs);
        if (st != MUIR_OK) return st;
    }
    return MUIR_OK;
}

muir_status muir_pairs_document(muir_ctx *ctx, const json_t *document, muir_pairs *pairs)
{
    return add_tree(ctx, "", document, 0, pairs);
}

/* Shell. Variables are kept as pairs of their own. */

static const char *variable(const muir_pairs *set, const char *name, size_t length)
{
    for (int i = set->n - 1; i >= 0; i--)
        if (strlen(set->at[i].name) == length && strncmp(set->at[i].name, name, length) == 0)
            return set->at[i].value;
    return NULL;
}

static void append(char *out, const char *text, size_t length)
{
    const size_t used = strlen(out), room = TOKEN - 1 - used;
    const size_t n = length < room ? length : room;
    memcpy(out + used, text, n);
    out[used + n] = '\0';
}

/* The name in a ${...}, $NAME: variables are stored by small letters and -, so this does the same. */
static size_t name_length(const char *text)
{
    size_t n = 0;
    while (isalnum((unsigned char)text[n]) || text[n] == '_') n++;
    return n;
}

static const char *value_of(muir_pairs *set, const char *name, size_t n, const char *otherwise)
{
    char low[96];
    snprintf(low, sizeof low, "%.*s", (int)(n < 95 ? n : 95), name);
    for (char *c = low; *c; c++) *c = *c == '_' ? '-' : (char)tolower((unsigned char)*c);
    const char *value = variable(set, low, strlen(low));
    if (!value && !otherwise) set->unset++;
    return value ? value : otherwise;
}

/* Products, quotients and sums of whole numbers from left to right, as $((A * B / C)) has them. */
static void put_arithmetic(muir_pairs *set, const char *text, size_t length, char *out)
{
    long long total = 0;
    char operation = '+', number[32];
    for (size_t i = 0; i < length;) {
        long long next = 0;
        if (isdigit((unsigned char)text[i])) {
            for (; i < length && isdigit((unsigned char)text[i]); i++)
                if (next < 1000000000) next = 10 * next + (text[i] - '0');
        } else if (name_length(text + i) > 0) {
            const size_t n = name_length(text + i);
            const char *value = value_of(set, text + i, n, NULL);
            next = value ? strtoll(value, NULL, 10) : 0;
            if (next > 1000000000 || next < 0) next = 0;
            i += n;
        } else {
            if (strchr("*/+-", text[i])) operation = text[i];
            i++;
            continue;
        }
        if (operation == '*') total = total < 1000000000 ? total * next : total;
        if (operation == '/') total = next ? total / next : 0;
        if (operation == '+') total += next;
        if (operation == '-') total -= next;
    }
    snprintf(number, sizeof number, "%lld", total);
    append(out, number, strlen(number));
}

/* Text with its variables filled in.
 * out  out  [TOKEN] */
static void expand(muir_pairs *set, const char *text, char *out)
{
    out[0] = '\0';
    while (*text) {
        if (*text != '$') {
            append(out, text++, 1);
            continue;
        }
        const char *end = NULL;
        if (strncmp(text, "$((", 3) == 0 && (end = strstr(text, "))"))) {
            put_arithmetic(set, text + 3, (size_t)(end - text - 3), out);
            text = end + 2;
        } else if (text[1] == '{' && (end = strchr(text, '}'))) {
            char otherwise[TOKEN];
            const size_t n = name_length(text + 2);
            const bool has_default = strncmp(text + 2 + n, ":-", 2) == 0 || text[2 + n] == '-';
            const char *from = text + 2 + n + (text[2 + n] == ':' ? 2 : 1);
            snprintf(otherwise, sizeof otherwise, "%.*s", has_default && from < end ? (int)(end - from) : 0,
                     from);
            const char *value =
                text[2 + n] == '[' ? "" : value_of(set, text + 2, n, has_default ? otherwise : NULL);
            if (value) append(out, value, strlen(value));
            text = end + 1;
        } else {
            const size_t n = name_length(text + 1);
            const char *value = n > 0 ? value_of(set, text + 1, n, NULL) : "$";
            if (value) append(out, value, strlen(value));
            text += n > 0 ? n + 1 : 1;
        }
    }
}

/* The next token of a script: words apart by blanks and brackets, quotes taken off, comments skipped.
 * is_quoted  out  some of it stood in quotes
 * Returns where the next one starts, or NULL at the end. */
static const char *next_token(const char *text, char *out, bool *is_quoted)
{
    size_t n = 0;
    *is_quoted = false;
    for (;;) {
        while (*text && (isspace((unsigned char)*text) || strchr("();|&\\", *text))) text++;
        if (*text != '#') break;
        while (*text && *text != '\n') text++;
    }
    if (!*text) return NULL;
    char quote = '\0';
    int brackets = 0;
    for (; *text; text++) {
        if (quote ? *text == quote : *text == '"' || *text == '\'') {
            quote = quote ? '\0' : *text;
            *is_quoted = true;
            continue;
        }
        if (text[0] == '\\' && text[1] == '\n') break;
        if (strncmp(text, "$((", 3) == 0) brackets = 2;
        if (brackets > 0 && *text == ')')
            brackets--;
        else if (!quote && brackets == 0 && (isspace((unsigned char)*text) || strchr("();|&", *text)))
            break;
        if (n + 1 < TOKEN) out[n++] = *text;
    }
    out[n] = '\0';
    return text;
}

static bool is_assignment(const char *token)
{
    const size_t n = name_length(token);
    return n > 0 && !isdigit((unsigned char)token[0]) && token[n] == '=';
}

static muir_status read_script(muir_ctx *ctx, const char *text, int depth, muir_pairs *set, muir_pairs *pairs)
{
    char token[TOKEN], value[TOKEN];
    bool is_quoted;
    muir_status st = MUIR_OK;
    bool waits = false; /* the last pair has no value yet */
    while ((text = next_token(text, token, &is_quoted))) {
        expand(set, token, value);
        const bool is_list = strchr(value, ' ') != NULL || strchr(value, '\n') != NULL;
        if (is_assignment(token)) {
            const size_t n = name_length(token);
            token[n] = '\0';
            MUIR_TRY(muir_pairs_add(ctx, set, token, value + n + 1));
            if (is_list && depth < 4) MUIR_TRY(read_script(ctx, value + n + 1, depth + 1, set, pairs));
            waits = false;
        } else if (is_list && strstr(value, "--") && depth < 4) {
            MUIR_TRY(read_script(ctx, value, depth + 1, set, pairs)); /* "--fp8-format hybrid" */
            waits = false;
        } else if (strncmp(value, "--", 2) == 0 && value[2]) {
            char *equals = strchr(value, '=');
            if (equals) *equals = '\0';
            MUIR_TRY(muir_pairs_add(ctx, pairs, value + 2, equals ? equals + 1 : ""));
            waits = !equals;
        } else if (waits && pairs->n > 0) {
            snprintf(pairs->at[pairs->n - 1].value, sizeof pairs->at[0].value, "%.199s", value);
            waits = false;
        }
    }
done:
    return st;
}

muir_status muir_pairs_shell(muir_ctx *ctx, const muir_import_source *source, muir_pairs *pairs)
{
    muir_pairs set = {.at = NULL};
    muir_status st = MUIR_OK;
    for (int i = 0; i < source->n_given; i++) {
        char name[96];
        const char *equals = strchr(source->given[i], '=');
        if (!muir_import_is_variable(source->given[i])) continue;
        snprintf(name, sizeof name, "%.*s", (int)(equals - source->given[i]), source->given[i]);
        MUIR_TRY(muir_pairs_add(ctx, &set, name, equals + 1));
    }
    MUIR_TRY(read_script(ctx, source->text, 0, &set, pairs));
    pairs->unset = set.unset;
done:
    muir_pairs_free(&set);
    return st;
}
