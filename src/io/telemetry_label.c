/* SPDX-License-Identifier: BSD-3-Clause */
/* What datasets and groups say about themselves. */
#include <math.h>
#include <string.h>

#include "io/telemetry_state.h"

muir_status muir_put_attribute(muir_ctx *ctx, const char *path, hid_t object, const char *key,
                               muir_value_type type, size_t n, const void *values)
{
    muir_status st = MUIR_OK;
    const hsize_t size = n;
    hid_t space = H5I_INVALID_HID, text = H5I_INVALID_HID, attribute = H5I_INVALID_HID;
    hid_t stored = muir_h5_file_type(type), given = muir_h5_memory_type(type);
    if (type == MUIR_TEXT) {
        MUIR_TRY(muir_h5_text_type(ctx, path, strlen(values), &text));
        stored = given = text;
    }
    MUIR_TRY_H5(space = n > 0 ? H5Screate_simple(1, &size, NULL) : H5Screate(H5S_SCALAR));
    MUIR_TRY_H5(attribute = H5Acreate2(object, key, stored, space, H5P_DEFAULT, H5P_DEFAULT));
    MUIR_TRY_H5(H5Awrite(attribute, given, values));
done:
    if (attribute >= 0) H5Aclose(attribute);
    if (space >= 0) H5Sclose(space);
    if (text >= 0) H5Tclose(text);
    return st;
}

static muir_status put_text(muir_ctx *ctx, const char *path, hid_t object, const char *key, const char *text)
{
    return muir_put_attribute(ctx, path, object, key, MUIR_TEXT, 0, text);
}

/* Whether a list with blanks between has the word. */
static bool is_word_of(const char *list, const char *word)
{
    const size_t length = strlen(word);
    for (const char *at = strstr(list, word); at; at = strstr(at + 1, word))
        if ((at == list || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0')) return true;
    return false;
}

muir_status muir_put_label(muir_ctx *ctx, const char *path, hid_t dataset, const muir_label *label)
{
    static const char *const provenances[] = {
#define PROVENANCE_TEXT(constant, text) [constant] = text,
        MUIR_PROVENANCE_LIST(PROVENANCE_TEXT)
#undef PROVENANCE_TEXT
    };
    muir_status st = MUIR_OK;
    MUIR_TRY(put_text(ctx, path, dataset, "units", label->units));
    MUIR_TRY(put_text(ctx, path, dataset, "long_name", label->long_name));
    MUIR_TRY(put_text(ctx, path, dataset, "provenance", provenances[label->provenance]));
done:
    return st;
}

muir_status muir_put_conventions(muir_ctx *ctx, const char *path, hid_t dataset, const muir_table *table,
                                 const muir_column *column)
{
    muir_status st = MUIR_OK;
    const double missing = NAN;
    const float missing_f32 = NAN;
    if (column->type == MUIR_F64)
        MUIR_TRY(muir_put_attribute(ctx, path, dataset, "_FillValue", MUIR_F64, 1, &missing));
    if (column->type == MUIR_F32)
        MUIR_TRY(muir_put_attribute(ctx, path, dataset, "_FillValue", MUIR_F32, 1, &missing_f32));
    if (table->coordinates && !is_word_of(table->coordinates, column->label.name))
        MUIR_TRY(put_text(ctx, path, dataset, "coordinates", table->coordinates));
done:
    return st;
}
