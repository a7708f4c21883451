/* SPDX-License-Identifier: BSD-3-Clause */
/* Names of modules, and what recompute leaves out. */
#include "models/kept.h"

#include <string.h>

static const char *const names[] = {
#define MODULE(id, help) #id,
#include "models/modules.def"
#undef MODULE
};
static const char *const helps[] = {
#define MODULE(id, help) help,
#include "models/modules.def"
#undef MODULE
};

const char *muir_module_name(muir_module module)
{
    return names[module];
}

const char *muir_module_help(muir_module module)
{
    return helps[module];
}

/* The set that a text of names joined by + says; false: one of them, of `length` letters at `at`, is unknown.
 */
static bool read_modules(const char *text, muir_modules *set, const char **at, int *length)
{
    *set = 0;
    for (const char *word = text; *word;) {
        const size_t n = strcspn(word, "+");
        int found = -1;
        for (int i = 0; i < MUIR_MODULE_COUNT; i++)
            if (strlen(names[i]) == n && strncmp(names[i], word, n) == 0) found = i;
        if (found < 0) {
            *at = word;
            *length = (int)n;
            return false;
        }
        *set |= 1u << found;
        word += n + (word[n] == '+');
    }
    return true;
}

bool muir_job_is_by_op(const muir_job *job)
{
    return job->parallel.recompute == MUIR_RECOMPUTE_OPS;
}

muir_modules muir_job_recomputed(const muir_job *job)
{
    muir_modules set = 0;
    const char *at = NULL;
    int length = 0;
    switch (job->parallel.recompute) {
    case MUIR_RECOMPUTE_FULL: return ~0u;
    case MUIR_RECOMPUTE_SELECTIVE: break;
    default: return 0;
    }
    if (strcmp(job->parallel.recompute_modules, "auto") == 0) return MUIR_MODULE_BIT(core);
    read_modules(job->parallel.recompute_modules, &set, &at, &length);
    return set;
}

double muir_kept_bytes(const muir_job *job, const muir_kept *kept, bool is_first, bool is_plain)
{
    if (is_plain) return kept->bytes;
    if (job->parallel.recompute == MUIR_RECOMPUTE_FULL) return is_first ? kept->bytes : 0.0;
    if (muir_job_is_by_op(job)) return kept->by_op;
    return kept->modules & muir_job_recomputed(job) ? 0.0 : kept->bytes;
}

muir_status muir_modules_check(muir_ctx *ctx, const muir_job *job)
{
    static const char *const words[] = {"none", "selective", "full", "ops"};
    const char *text = job->parallel.recompute_modules, *at = NULL;
    muir_modules set = 0;
    int length = 0;
    if (job->parallel.recompute_every > 1 && job->parallel.recompute == MUIR_RECOMPUTE_NONE)
        return muir_fail(
            ctx, MUIR_ERR_ARG,
            "parallel.recompute_every=%lld says which layers are computed again, but recompute is "
            "none",
            (long long)job->parallel.recompute_every);
    if (strcmp(text, "auto") == 0) return MUIR_OK;
    if (job->parallel.recompute != MUIR_RECOMPUTE_SELECTIVE)
        return muir_fail(
            ctx, MUIR_ERR_ARG,
            "parallel.recompute_modules=%s says which modules recompute=selective computes again, "
            "but recompute is %s",
            text, words[job->parallel.recompute]);
    if (*text && read_modules(text, &set, &at, &length)) return MUIR_OK;
    return muir_fail(ctx, MUIR_ERR_ARG,
                     "parallel.recompute_modules=%s: '%.*s' is not a module (norm, qkv, core, mlp, "
                     "activation, experts, loss, joined by +)",
                     text, length, at ? at : "");
}
