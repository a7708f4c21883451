/* SPDX-License-Identifier: BSD-3-Clause */
/* Drawing scenarios: which keys, and how likely their values are. */
#include "draw.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KINDS = 3, MOST_NAMES = 256, VALUES = 12 };

struct muir_names {
    char name[KINDS][MOST_NAMES][MUIR_DRAWN_SIZE / 2];
    int n[KINDS];
};

static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

muir_names *muir_names_read(void)
{
    static const char *const folders[KINDS] = {"models", "fleets", "faults"};
    muir_names *names = calloc(1, sizeof *names);
    for (int k = 0; names && k < KINDS; k++) {
        char path[1024];
        snprintf(path, sizeof path, "%s/%s", MUIR_DATA_SOURCE, folders[k]);
        DIR *folder = opendir(path);
        if (!folder) continue;
        for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
            const char *dot = strstr(entry->d_name, ".yaml");
            if (dot && names->n[k] < MOST_NAMES)
                snprintf(names->name[k][names->n[k]++], MUIR_DRAWN_SIZE / 2, "%.*s",
                         (int)(dot - entry->d_name), entry->d_name);
        }
        closedir(folder);
        qsort(names->name[k], (size_t)names->n[k], sizeof names->name[k][0],
              compare); /* as no disk orders them */
    }
    return names;
}

void muir_names_free(muir_names *names)
{
    free(names);
}

/* Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014. */
static int draw(uint64_t *state, int below)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (int)((z ^ (z >> 31)) % (uint64_t)below);
}

/* Values are as likely as they are often there; "" leaves the key out. */
typedef struct choice {
    const char *key, *values[VALUES];
} choice;

static const choice choices[] = {
    {"fleet.servers", {"4", "16", "64", "64", "256", "1024"}},
    {"global_batch_size", {"auto"}},
    {"seq_len", {"auto", "auto", "auto", "2048", "8192"}},
    {"precision", {"bf16", "bf16", "fp16", "fp8"}},
    {"micro_batch_size", {"1", "1", "2", "4"}},
    {"parallel.tp", {"1", "1", "2", "4", "8"}},
    {"parallel.pp", {"1", "1", "2", "4", "8"}},
    {"parallel.cp", {"", "", "", "2"}},
    {"parallel.ep", {"", "", "", "4", "8", "16", "64"}},
    {"parallel.dp", {"auto", "auto", "auto", "1", "3", "12", "64"}},
    {"parallel.schedule", {"1f1b", "1f1b", "gpipe", "interleaved", "zb-h1", "zb-v", "dualpipe"}},
    {"parallel.vpp", {"", "", "2"}},
    {"parallel.zero_stage", {"", "0", "1", "2", "3"}},
    {"parallel.recompute", {"", "none", "selective", "full"}},
    {"parallel.sequence_parallel", {"", "true", "false"}},
    {"parallel.overlap_grad_reduce", {"", "true", "false"}},
    {"parallel.order", {"", "tp-cp-dp-pp", "tp-cp-pp-dp"}},
    {"steps", {"1", "3", "30"}},
    {"seed", {"", "7"}},
};

static void add(muir_drawn *drawn, const char *key, const char *value)
{
    snprintf(drawn->text[drawn->n++], MUIR_DRAWN_SIZE, "%s=%s", key, value);
}

muir_drawn muir_draw_scenario(const muir_names *names, uint64_t seed, uint64_t number)
{
    static const char *const kinds[KINDS] = {"model", "fleet", "faults"};
    uint64_t state = (seed << 40) + (number << 8);
    muir_drawn drawn = {.n = 0};
    for (int k = 0; k < KINDS; k++) add(&drawn, kinds[k], names->name[k][draw(&state, names->n[k])]);
    for (size_t i = 0; i < sizeof choices / sizeof choices[0]; i++) {
        int n = 0;
        while (n < VALUES && choices[i].values[n]) n++;
        const char *value = choices[i].values[draw(&state, n)];
        if (value[0]) add(&drawn, choices[i].key, value);
    }
    return drawn;
}

muir_drawn muir_drawn_without(const muir_drawn *drawn, int key)
{
    muir_drawn less = *drawn;
    less.n--;
    memmove(less.text[key], less.text[key + 1], (size_t)(less.n - key) * MUIR_DRAWN_SIZE);
    return less;
}

muir_status muir_drawn_load(muir_ctx *ctx, const muir_drawn *drawn, muir_scenario *scenario)
{
    const char *keys[MUIR_DRAWN_KEYS + 1];
    for (int i = 0; i < drawn->n; i++) keys[i] = drawn->text[i];
    keys[drawn->n] = "host.every=0";
    return muir_scenario_load(ctx, "tiny", keys, drawn->n + 1, scenario);
}
