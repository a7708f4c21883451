/* SPDX-License-Identifier: BSD-3-Clause */
/* Lists of key=value texts and what they set. */
#include "scenario/overrides.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "scenario/inputs.h"

enum { WHERE_SIZE = 2 * MUIR_KEY_SIZE };

void muir_overrides_free(muir_overrides *list)
{
    free(list->text);
    free(list->item);
    free(list->where);
    *list = (muir_overrides){NULL, NULL, NULL, 0, 0};
}

muir_status muir_overrides_make(muir_ctx *ctx, const char *own, const char *whose, const char *const *given,
                                int n_given, muir_overrides *list)
{
    const size_t most = strlen(own) + (size_t)n_given + 1;
    *list = (muir_overrides){NULL, NULL, NULL, 0, 0};
    list->text = strdup(own);
    list->item = calloc(most, sizeof *list->item);
    list->where = calloc(most, sizeof *list->where);
    if (!list->text || !list->item || !list->where)
        return muir_fail(ctx, MUIR_ERR_MEM, "no memory for overrides");
    char *rest = NULL;
    for (char *item = strtok_r(list->text, " \t\n", &rest); item; item = strtok_r(NULL, " \t\n", &rest)) {
        list->where[list->n] = whose;
        list->item[list->n++] = item;
    }
    list->n_own = list->n;
    for (int i = 0; i < n_given; i++) {
        list->where[list->n] = "argument";
        list->item[list->n++] = given[i];
    }
    for (int i = 0; i < list->n; i++)
        if (!strchr(list->item[i], '='))
            return muir_fail(ctx, MUIR_ERR_ARG, "%s '%s' is not of the form key=value", list->where[i],
                             muir_quote(list->item[i]).s);
    return MUIR_OK;
}

/* One key=value, without the prefix of the kind. */
static muir_status apply(muir_ctx *ctx, muir_loader *loader, const char *key, const char *where)
{
    char name[2 * MUIR_KEY_SIZE];
    const size_t length = strcspn(key, "=");
    snprintf(name, sizeof name, "%.*s", (int)length, key);
    if (loader->schema == &muir_scenario_schema && strcmp(name, "overrides") == 0)
        return muir_fail(ctx, MUIR_ERR_ARG, "%s: write the keys themselves instead of overrides=...", where);
    return muir_yaml_override(ctx, loader, name, key + length + 1, where);
}

muir_status muir_overrides_apply(muir_ctx *ctx, muir_loader *loader, const muir_overrides *list)
{
    for (int i = 0; i < list->n; i++) {
        const char *key = NULL;
        char where[WHERE_SIZE];
        if (muir_input_owner(list->item[i], &key)->schema != loader->schema) continue;
        snprintf(where, sizeof where, "%s %s", list->where[i], muir_quote(list->item[i]).s);
        const muir_status st = apply(ctx, loader, key, where);
        if (st != MUIR_OK) return st;
    }
    return MUIR_OK;
}

static bool is_key(const char *item, const char *key)
{
    const size_t n = strlen(key);
    return strncmp(item, key, n) == 0 && item[n] == '=';
}

void muir_overrides_choose_length(const muir_overrides *list, muir_scenario *scenario)
{
    const int ends[] = {0, list->n_own, list->n};
    for (int hand = 0; hand < 2; hand++) {
        bool has_steps = false, has_days = false;
        for (int i = ends[hand]; i < ends[hand + 1]; i++) {
            has_steps = has_steps || is_key(list->item[i], "steps");
            has_days = has_days || is_key(list->item[i], "days");
        }
        if (has_days && !has_steps) scenario->run.steps = 0;
        if (has_steps && !has_days) scenario->run.days = 0.0;
    }
}

muir_status muir_overrides_apply_settings(muir_ctx *ctx, muir_loader *loader, const char *stack,
                                          const char *settings)
{
    muir_status st = MUIR_OK;
    muir_overrides list = {NULL, NULL, NULL, 0, 0};
    char where[WHERE_SIZE];
    snprintf(where, sizeof where, "settings of stack %s", stack);
    MUIR_TRY(muir_overrides_make(ctx, settings, where, NULL, 0, &list));
    for (int i = 0; i < list.n; i++) {
        char name[2 * MUIR_KEY_SIZE];
        snprintf(name, sizeof name, "%.*s", (int)strcspn(list.item[i], "="), list.item[i]);
        if (!muir_yaml_is_given(loader, name)) MUIR_TRY(apply(ctx, loader, list.item[i], where));
    }
done:
    muir_overrides_free(&list);
    return st;
}
