/* SPDX-License-Identifier: BSD-3-Clause */
/* Texts of a layout's keys. */
#include "plan/plan_text.h"

#include <stdio.h>
#include <string.h>

const char *muir_plan_choice(const char *key, int value, char text[MUIR_NAME_SIZE])
{
    const muir_section *section = NULL;
    const char *from = muir_schema_find(&muir_scenario_schema, key, &section)->allowed;
    while (value-- > 0) from = strchr(from, '|') + 1;
    snprintf(text, MUIR_NAME_SIZE, "%.*s", (int)strcspn(from, "|"), from);
    return text;
}

static void add_number(muir_plan_overrides *o, const char *key, int64_t value)
{
    snprintf(o->text[o->n++], sizeof o->text[0], "%s=%lld", key, (long long)value);
}

static void add_word(muir_plan_overrides *o, const char *key, const char *value)
{
    snprintf(o->text[o->n++], sizeof o->text[0], "%s=%s", key, value);
}

muir_plan_overrides muir_plan_overrides_of(const muir_plan_entry *e)
{
    char word[MUIR_NAME_SIZE];
    muir_plan_overrides o = {.n = 0};
    const muir_parallel *p = &e->parallel;
    add_number(&o, "micro_batch_size", e->micro_batch_size);
    add_number(&o, "parallel.tp", p->tp);
    add_number(&o, "parallel.cp", p->cp);
    add_number(&o, "parallel.ep", p->ep);
    add_number(&o, "parallel.pp", p->pp);
    add_number(&o, "parallel.vpp", p->vpp);
    add_number(&o, "parallel.dp", p->dp);
    add_word(&o, "parallel.schedule", p->schedule);
    add_word(&o, "parallel.order", muir_plan_choice("parallel.order", (int)p->order, word));
    add_word(&o, "parallel.recompute", muir_plan_choice("parallel.recompute", (int)p->recompute, word));
    if (p->recompute == MUIR_RECOMPUTE_SELECTIVE)
        add_word(&o, "parallel.recompute_modules", p->recompute_modules);
    add_number(&o, "parallel.zero_stage", p->zero_stage);
    return o;
}
