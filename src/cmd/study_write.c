/* SPDX-License-Identifier: BSD-3-Clause */
/* Studies as JSON and CSV. */
#include "cmd/study_write.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "text/json.h"

void muir_study_label(const muir_study *s, const muir_study_case *c, char *text, size_t size)
{
    text[0] = '\0';
    for (int a = 0; a < s->n_axes; a++) {
        const size_t used = strlen(text);
        snprintf(text + used, size - used, "%s%s", a ? ", " : "", s->axes[a].values[c->at[a]].label);
    }
}

muir_text32 muir_study_layout(const muir_study_case *c)
{
    const muir_parallel *p = &c->parallel;
    muir_text32 t;
    snprintf(t.s, sizeof t.s, "%lld/%lld/%lld/%lld z%lld", (long long)p->tp, (long long)p->cp,
             (long long)p->pp, (long long)p->dp, (long long)p->zero_stage);
    return t;
}

static void add_case(const muir_study *s, const muir_study_case *c, muir_json *row)
{
    char label[MUIR_TEXT_SIZE];
    muir_study_label(s, c, label, sizeof label);
    muir_json_text(row, "label", label);
    for (int a = 0; a < s->n_axes; a++)
        muir_json_text(row, s->axes[a].name, s->axes[a].values[c->at[a]].label);
    if (c->key >= 0) {
        muir_json_text(row, "sensitivity_key", s->sensitivity.values[c->key].label);
        muir_json_text(row, "sensitivity_end", c->is_high ? "high" : "low");
    }
    muir_json_text(row, "layout", muir_study_layout(c).s);
    muir_json_text(row, "overrides", c->overrides);
#define COUNT(name, units, member, provenance, help) muir_json_count(row, #name, c->member);
#define REAL(name, units, member, provenance, help) muir_json_maybe(row, #name, c->member);
#include "study/study.def"
#undef REAL
#undef COUNT
    muir_json money = muir_json_object(row, "inputs_of_money");
    for (int m = 0; m < MUIR_MONEY_COUNT; m++) {
        muir_json input = muir_json_object(&money, c->money[m].key);
        muir_json_real(&input, "value", c->money[m].value);
        muir_json_text(&input, "unit", c->money[m].unit);
        muir_json_text(&input, "basis", c->money[m].basis);
    }
    for (int m = 0; m < MUIR_MEASURE_COUNT; m++) {
        const muir_spread *p = &c->spread[m];
        muir_json measure = muir_json_object(row, muir_measure_name(m));
        muir_json_maybe(&measure, "p10", p->p10);
        muir_json_maybe(&measure, "p50", p->p50);
        muir_json_maybe(&measure, "p90", p->p90);
        muir_json_maybe(&measure, "mean", p->mean);
        muir_json_maybe(&measure, "standard_error", p->error);
    }
}

muir_status muir_study_write_json(muir_ctx *ctx, const char *name, const muir_study *s,
                                  const muir_study_result *r, const char *path)
{
    muir_json_notes notes = {.not_numbers = 0};
    muir_json root = muir_json_begin(&notes);
    muir_json_text(&root, "study", name);
    muir_json_text(&root, "description", s->description);
    muir_json_count(&root, "seeds", s->seeds);
    muir_json cases = muir_json_list(&root, "cases");
    for (int i = 0; i < r->n; i++) {
        muir_json row = muir_json_item(&cases);
        add_case(s, &r->cases[i], &row);
    }
    return muir_json_end(ctx, &root, path);
}

/* Labels may hold commas. */
static void put_quoted(FILE *file, const char *text)
{
    fputc('"', file);
    for (const char *p = text; *p; p++) fprintf(file, *p == '"' ? "\"\"" : "%c", *p);
    fputc('"', file);
}

muir_status muir_study_write_csv(muir_ctx *ctx, const muir_study *s, const muir_study_result *r,
                                 const char *path)
{
    FILE *file = strcmp(path, "-") == 0 ? stdout : fopen(path, "w");
    if (!file) return muir_fail(ctx, MUIR_ERR_FILE, "%s: the CSV cannot be written", path);
    for (int a = 0; a < s->n_axes; a++) fprintf(file, "%s,", s->axes[a].name);
    fprintf(file, "sensitivity_key,sensitivity_end,layout");
#define COUNT(name, units, member, provenance, help) fprintf(file, ",%s", #name);
#define REAL COUNT
#include "study/study.def"
#undef REAL
#undef COUNT
    for (int m = 0; m < MUIR_MEASURE_COUNT; m++)
        fprintf(file, ",%s_p10,%s_p50,%s_p90,%s_mean", muir_measure_name(m), muir_measure_name(m),
                muir_measure_name(m), muir_measure_name(m));
    fprintf(file, "\n");
    for (int i = 0; i < r->n; i++) {
        const muir_study_case *c = &r->cases[i];
        for (int a = 0; a < s->n_axes; a++) {
            put_quoted(file, s->axes[a].values[c->at[a]].label);
            fputc(',', file);
        }
        fprintf(file, "%s,%s,%s", c->key >= 0 ? s->sensitivity.values[c->key].label : "",
                c->key < 0   ? ""
                : c->is_high ? "high"
                             : "low",
                muir_study_layout(c).s);
#define COUNT(name, units, member, provenance, help) fprintf(file, ",%lld", (long long)c->member);
#define REAL(name, units, member, provenance, help) fprintf(file, ",%.17g", c->member);
#include "study/study.def"
#undef REAL
#undef COUNT
        for (int m = 0; m < MUIR_MEASURE_COUNT; m++)
            fprintf(file, ",%.17g,%.17g,%.17g,%.17g", c->spread[m].p10, c->spread[m].p50, c->spread[m].p90,
                    c->spread[m].mean);
        fprintf(file, "\n");
    }
    const bool is_written = !ferror(file) && (file == stdout ? fflush(file) : fclose(file)) == 0;
    return is_written ? MUIR_OK : muir_fail(ctx, MUIR_ERR_FILE, "%s: the CSV cannot be written", path);
}
