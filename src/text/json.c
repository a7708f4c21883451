/* SPDX-License-Identifier: BSD-3-Clause */
/* JSON documents by jansson. */
#include "text/json.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

muir_json muir_json_begin(muir_json_notes *notes)
{
    *notes = (muir_json_notes){.not_numbers = 0};
    return (muir_json){.value = json_object(), .notes = notes};
}

muir_json muir_json_begin_list(muir_json_notes *notes)
{
    *notes = (muir_json_notes){.not_numbers = 0};
    return (muir_json){.value = json_array(), .notes = notes};
}

void muir_json_drop(muir_json *root)
{
    json_decref(root->value);
    root->value = NULL;
}

/* Takes the value over; NULL is one that there was no memory for. */
static void set(muir_json *object, const char *key, json_t *value)
{
    if (json_object_set_new(object->value, key, value) != 0) object->notes->is_out_of_memory = true;
}

void muir_json_maybe(muir_json *object, const char *key, double value)
{
    set(object, key, isfinite(value) ? json_real(value) : json_null());
}

void muir_json_real(muir_json *object, const char *key, double value)
{
    muir_json_notes *notes = object->notes;
    if (!isfinite(value) && notes->not_numbers++ == 0)
        snprintf(notes->first, sizeof notes->first, "%.100s%.27s", object->place, key);
    muir_json_maybe(object, key, value);
}

void muir_json_count(muir_json *object, const char *key, int64_t value)
{
    set(object, key, json_integer((json_int_t)value));
}

void muir_json_text(muir_json *object, const char *key, const char *value)
{
    set(object, key, value ? json_string(value) : json_null());
}

void muir_json_is(muir_json *object, const char *key, bool value)
{
    set(object, key, json_boolean(value));
}

void muir_json_null(muir_json *object, const char *key)
{
    set(object, key, json_null());
}

/* A value below another, which owns it. */
static muir_json below(const muir_json *parent, const char *key, json_t *value)
{
    muir_json child = {.value = value, .notes = parent->notes};
    snprintf(child.place, sizeof child.place, "%.90s%.36s.", parent->place, key);
    return child;
}

muir_json muir_json_object(muir_json *object, const char *key)
{
    json_t *value = json_object();
    set(object, key, value);
    return below(object, key, value);
}

muir_json muir_json_list(muir_json *object, const char *key)
{
    json_t *value = json_array();
    set(object, key, value);
    return below(object, key, value);
}

muir_json muir_json_item(muir_json *list)
{
    char number[16];
    json_t *value = json_object();
    snprintf(number, sizeof number, "%zu", json_array_size(list->value));
    if (json_array_append_new(list->value, value) != 0) list->notes->is_out_of_memory = true;
    return below(list, number, value);
}

muir_status muir_json_end(muir_ctx *ctx, muir_json *root, const char *path)
{
    const muir_json_notes *notes = root->notes;
    const bool is_stdout = strcmp(path, "-") == 0;
    int failed = 0;
    if (!root->value || notes->is_out_of_memory) {
        muir_json_drop(root);
        return muir_fail(ctx, MUIR_ERR_MEM, "no memory for the JSON document");
    }
    errno = 0;
    failed = is_stdout ? json_dumpf(root->value, stdout, JSON_INDENT(2)) || putchar('\n') == EOF
                       : json_dump_file(root->value, path, JSON_INDENT(2));
    muir_json_drop(root);
    if (failed)
        return muir_fail(ctx, MUIR_ERR_FILE, "%s: the JSON document cannot be written: %s",
                         is_stdout ? "standard output" : path, errno ? strerror(errno) : "unknown reason");
    if (notes->not_numbers > 0)
        return muir_fail(ctx, MUIR_ERR_CHECK,
                         "%s is not a number%s: a defect of muir; the JSON document has null there",
                         notes->first, notes->not_numbers > 1 ? ", nor are others" : "");
    return MUIR_OK;
}
