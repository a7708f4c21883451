/* SPDX-License-Identifier: BSD-3-Clause */
/* Data files one by one. */
#include "scenario/data_file.h"

#include <stdlib.h>

#include "base/mem.h"
#include "scenario/catalogue.h"
#include "scenario/yaml.h"

int muir_input_kinds_of(muir_ctx *ctx, const char *name, const muir_input **kinds)
{
    int n = 0;
    for (int i = 0; i < muir_input_count(); i++)
        if (muir_catalogue_has(ctx, muir_input_at(i)->schema->folder, name)) kinds[n++] = muir_input_at(i);
    return n;
}

static muir_status read_file(muir_ctx *ctx, const char *name, muir_data_file *f)
{
    muir_status st = MUIR_OK;
    muir_loader loader;
    const muir_schema *schema = f->input->schema;
    MUIR_TRY(muir_alloc(ctx, 1, schema->size, "a data file", &f->file));
    MUIR_TRY(muir_alloc(ctx, MUIR_MAX_OPTIONS, sizeof *f->is_given, "a data file", &f->is_given));
    MUIR_TRY(muir_catalogue_find(ctx, schema->folder, name, schema->kind, f->path, sizeof f->path));
    MUIR_TRY(muir_yaml_load(ctx, schema, f->path, f->file, &loader));
    MUIR_TRY(muir_yaml_finish(ctx, &loader));
    for (int i = 0; i < MUIR_MAX_OPTIONS; i++) f->is_given[i] = loader.given[i] != 0;
done:
    return st;
}

muir_status muir_data_file_create(muir_ctx *ctx, const muir_input *input, const char *name,
                                   muir_data_file **out)
{
    muir_status st = MUIR_OK;
    muir_data_file *f = NULL;
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *f, "a data file", &f));
    f->input = input;
    MUIR_TRY(read_file(ctx, name, f));
    *out = f;
    f = NULL;
done:
    muir_data_file_destroy(&f);
    return st;
}

void muir_data_file_destroy(muir_data_file **file)
{
    if (!*file) return;
    free((*file)->file);
    free((*file)->is_given);
    free(*file);
    *file = NULL;
}
