/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading of site.basis. */
#include "power/money.h"

#include <string.h>

static const char *const words[] = {"measured", "published", "estimated", "assumed"};

static const char *word_of(const char *text, size_t length)
{
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strlen(words[i]) == length && strncmp(words[i], text, length) == 0) return words[i];
    return NULL;
}

static muir_money_input *input_of(muir_money_input *inputs, const char *text, size_t length)
{
    for (int i = 0; i < MUIR_MONEY_COUNT; i++)
        if (strlen(inputs[i].key) == length && strncmp(inputs[i].key, text, length) == 0) return &inputs[i];
    return NULL;
}

muir_status muir_money_inputs(muir_ctx *ctx, const muir_scenario *scenario, muir_money_input *inputs)
{
    const muir_site *site = &scenario->fleet.site;
    muir_money_input found[MUIR_MONEY_COUNT] = {
#define MONEY(key, unit, basis) {#key, unit, site->key, basis[0] ? basis : "unsaid"},
#include "power/money.def"
#undef MONEY
    };
    for (const char *p = site->basis + strspn(site->basis, " "); *p; p += strspn(p, " ")) {
        const size_t length = strcspn(p, " "), name = strcspn(p, "= ");
        muir_money_input *input = input_of(found, p, name);
        const char *word = name < length ? word_of(p + name + 1, length - name - 1) : NULL;
        if (!input || !word)
            return muir_fail(
                ctx, MUIR_ERR_ARG,
                "fleet.site.basis has '%.*s', but must be KEY=WORD with a key of money of fleet.site and "
                "measured, published, estimated or assumed",
                (int)length, p);
        input->basis = word;
        p += length;
    }
    memcpy(inputs, found, sizeof found);
    return MUIR_OK;
}
