/* SPDX-License-Identifier: BSD-3-Clause */
/* From the cells of a published run to key=value overrides, and from those to a scenario. */
#include "validation/published.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scenario/catalogue.h"
#include "scenario/stack.h"

enum { MOST = 48, WIDTH = 200 };

/* Overrides of one row. */
typedef struct request {
    muir_ctx *ctx;
    const muir_csv *table, *names;
    const char *stack; /* in place of the row's; NULL: none */
    int row, n;
    char text[MOST][WIDTH];
    char software[MUIR_NAME_SIZE]; /* the stack's name without that of the chip */
    long long chips;               /* as the fleet's file counts them */
} request;

static const char *cell(const request *r, const char *column)
{
    return muir_csv_get(r->table, r->row, column);
}

static muir_status set(request *r, const char *key, const char *value)
{
    if (r->n == MOST) return muir_fail(r->ctx, MUIR_ERR_ARG, "more than %d keys in a row", MOST);
    if (snprintf(r->text[r->n], WIDTH, "%s=%s", key, value) >= WIDTH)
        return muir_fail(r->ctx, MUIR_ERR_ARG, "%s is longer than %d characters", key, WIDTH);
    r->n++;
    return MUIR_OK;
}

/* A whole number, also written 2.0; 0 where the cell is empty. */
static muir_status read_number(const request *r, const char *column, long long *number)
{
    const char *text = cell(r, column);
    char *end = NULL;
    const double value = strtod(text, &end);
    if (*end != '\0' || value < 0.0 || value > 1e15 || value != floor(value))
        return muir_fail(r->ctx, MUIR_ERR_ARG, "%s is '%s', but must be a whole number", column, text);
    *number = (long long)value;
    return MUIR_OK;
}

static muir_status set_number(request *r, const char *key, const char *column)
{
    long long number = 0;
    char text[32];
    muir_status st = MUIR_OK;
    if (!*cell(r, column)) return MUIR_OK;
    MUIR_TRY(read_number(r, column, &number));
    snprintf(text, sizeof text, "%lld", number);
    MUIR_TRY(set(r, key, text));
done:
    return st;
}

/* The name that a table of names has for a published one; NULL: it has none. */
static const char *known_name(const request *r, const char *kind, const char *published)
{
    for (int i = 0; i < r->names->n_rows; i++)
        if (strcmp(muir_csv_get(r->names, i, "kind"), kind) == 0 &&
            strcmp(muir_csv_get(r->names, i, "published"), published) == 0)
            return muir_csv_get(r->names, i, "name");
    return NULL;
}

/* "Llama-3.1-405B proxy (7 layers)" -> "Llama-3.1-405B": what stands before " proxy", " (" and " [". */
static void base_name(const char *published, char name[MUIR_NAME_SIZE])
{
    static const char *const ends[] = {" proxy", " (", " ["};
    size_t length = strlen(published);
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        const char *end = strstr(published, ends[i]);
        if (end && (size_t)(end - published) < length) length = (size_t)(end - published);
    }
    if (length >= MUIR_NAME_SIZE) length = MUIR_NAME_SIZE - 1;
    memcpy(name, published, length);
    name[length] = '\0';
}

static void to_lower(char *text)
{
    for (; *text; text++) *text = (char)(*text == ' ' ? '-' : tolower((unsigned char)*text));
}

/* A model that no file describes: every size from the columns, over the file of a plain model of its kind. */
static muir_status build_model(request *r)
{
    static const char *const needed[] = {"layers", "hidden", "heads", "ffn", "vocab"};
    static const char *const keys[][2] = {{"model.hidden", "hidden"},     {"model.heads", "heads"},
                                          {"model.kv_heads", "kv_heads"}, {"model.ffn", "ffn"},
                                          {"model.experts", "experts"},   {"model.topk", "topk"}};
    muir_status st = MUIR_OK;
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++)
        if (!*cell(r, needed[i]))
            return muir_fail(r->ctx, MUIR_ERR_ARG, "model %s is not in data/models, and column %s is empty",
                             cell(r, "model"), needed[i]);
    MUIR_TRY(set(r, "model", *cell(r, "experts") ? "mixtral-8x7b" : "gpt3-175b"));
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) MUIR_TRY(set_number(r, keys[i][0], keys[i][1]));
    if (!*cell(r, "kv_heads")) MUIR_TRY(set(r, "model.kv_heads", "auto"));
    if (*cell(r, "mlp"))
        MUIR_TRY(set(r, "model.mlp", strcmp(cell(r, "mlp"), "swiglu") == 0 ? "swiglu" : "gelu"));
done:
    return st;
}

/* Layers and vocabulary come from the row in any case: proxies have fewer layers, and stacks pad
 * vocabularies. */
static muir_status set_model(request *r)
{
    static const char *const refused[][2] = {
        {"Nemotron-H", "layers with state spaces are not modelled"},
        {"[LoRA]", "training of low-rank adapters is not modelled"},
    };
    const char *published = cell(r, "model");
    char base[MUIR_NAME_SIZE], file[MUIR_NAME_SIZE];
    muir_status st = MUIR_OK;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        if (strstr(published, refused[i][0]))
            return muir_fail(r->ctx, MUIR_ERR_ARG, "model %s: %s", published, refused[i][1]);
    base_name(published, base);
    const char *known = known_name(r, "model", published);
    if (!known) known = known_name(r, "model", base);
    snprintf(file, sizeof file, "%s", known ? known : base);
    if (!known) to_lower(file);
    if (muir_catalogue_has(r->ctx, "models", file))
        MUIR_TRY(set(r, "model", file));
    else
        MUIR_TRY(build_model(r));
    MUIR_TRY(set_number(r, "model.layers", "layers"));
    MUIR_TRY(set_number(r, "model.vocab", "vocab"));
done:
    return st;
}

/* "bf16 TE" -> bf16, "fp8-cs" -> fp8: the longest known word that the cell starts with. */
static muir_status set_precision(request *r)
{
    static const char *const words[][2] = {{"fp8-mx", "mxfp8"}, {"mxfp8", "mxfp8"}, {"nvfp4", "nvfp4"},
                                           {"bf16", "bf16"},    {"fp16", "fp16"},   {"fp8", "fp8"},
                                           {"int8", "int8"}};
    const char *text = cell(r, "precision");
    if (!*text) return MUIR_OK;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strncmp(text, words[i][0], strlen(words[i][0])) == 0) return set(r, "precision", words[i][1]);
    return muir_fail(r->ctx, MUIR_ERR_ARG, "precision '%s' is unknown", text);
}

/* Tables print tp, pp and dp in the units that the software sees, which can be parts of a chip. */
static muir_status set_layout(request *r)
{
    static const char *const keys[][2] = {{"parallel.tp", "tp"},
                                          {"parallel.pp", "pp"},
                                          {"parallel.vpp", "vpp"},
                                          {"parallel.cp", "cp"},
                                          {"parallel.ep", "ep"}};
    long long tp = 0, pp = 0, cp = 0, dp = 0, chips = 0, vpp = 0;
    muir_status st = MUIR_OK;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) MUIR_TRY(set_number(r, keys[i][0], keys[i][1]));
    MUIR_TRY(read_number(r, "tp", &tp));
    MUIR_TRY(read_number(r, "pp", &pp));
    MUIR_TRY(read_number(r, "cp", &cp));
    MUIR_TRY(read_number(r, "dp", &dp));
    MUIR_TRY(read_number(r, "vpp", &vpp));
    MUIR_TRY(read_number(r, "chips", &chips));
    const long long replica = (tp ? tp : 1) * (pp ? pp : 1) * (cp ? cp : 1);
    if (dp == 0) dp = chips / replica;
    if (dp == 0 || chips == 0 || replica * dp % chips != 0)
        return muir_fail(r->ctx, MUIR_ERR_ARG, "tp x pp x cp x dp is %lld, but chips is %lld", replica * dp,
                         chips);
    char text[32];
    r->chips = replica * dp;
    snprintf(text, sizeof text, "%lld", dp);
    MUIR_TRY(set(r, "parallel.dp", text));
    if (vpp > 0) MUIR_TRY(set(r, "parallel.schedule", vpp > 1 && pp > 1 ? "interleaved" : "1f1b"));
done:
    return st;
}

/* "zero: 1 (group of 8)", "zero: FSDP 128 x DP 8": replicas that share out among themselves. */
static muir_status set_zero_group(request *r)
{
    const char *notes = cell(r, "notes"), *at = strstr(notes, "group of ");
    char text[32];
    int group = 0, others = 0;
    if (at)
        sscanf(at, "group of %d", &group);
    else if ((at = strstr(notes, "FSDP ")) && sscanf(at, "FSDP %d x DP %d", &group, &others) < 2)
        group = 0;
    if (group < 1) return MUIR_OK;
    snprintf(text, sizeof text, "%d", group);
    return set(r, "parallel.zero_group", text);
}

/* "SDK 2.19" against "... (SDK 2.5.0a)": the numbers of a version, part by part, after the same words. */
static bool is_since(const char *text, const char *first)
{
    const size_t words = strcspn(first, "0123456789");
    const char *version = first + words;
    for (const char *at = text; *at; at++) {
        if (strncmp(at, first, words) != 0 || !isdigit((unsigned char)at[words])) continue;
        int have[3] = {0, 0, 0}, least[3] = {0, 0, 0};
        sscanf(at + words, "%d.%d.%d", &have[0], &have[1], &have[2]);
        sscanf(version, "%d.%d.%d", &least[0], &least[1], &least[2]);
        for (int part = 0; part < 3; part++)
            if (have[part] != least[part]) return have[part] > least[part];
        return true;
    }
    return false;
}

/* What a column says in words: key=value of each row of the names of that kind whose text is in it, or, of
 * kind since, whose version or a later one is. */
static muir_status set_told(request *r, const char *kind, const char *column)
{
    const bool is_version = strcmp(kind, "since") == 0;
    muir_status st = MUIR_OK;
    for (int i = 0; i < r->names->n_rows; i++) {
        char key[WIDTH];
        const char *published = muir_csv_get(r->names, i, "published");
        if (strcmp(muir_csv_get(r->names, i, "kind"), kind) != 0) continue;
        const char *said = cell(r, column);
        if (is_version ? !is_since(said, published) : !strstr(said, published)) continue;
        snprintf(key, sizeof key, "%s", muir_csv_get(r->names, i, "name"));
        char *value = strchr(key, '=');
        if (!value) return muir_fail(r->ctx, MUIR_ERR_ARG, "%s '%s' is not key=value", kind, key);
        *value++ = '\0';
        MUIR_TRY(set(r, key, value));
    }
done:
    return st;
}

/* "selective" means what the software means by it. */
static muir_status set_recompute(request *r)
{
    const char *recompute = cell(r, "recompute");
    const char *own = strcmp(recompute, "selective") == 0 ? known_name(r, "selective", r->software) : NULL;
    if (!*recompute || strcmp(recompute, "custom") == 0) return MUIR_OK;
    return set(r, "parallel.recompute", own ? own : recompute);
}

static muir_status set_rest(request *r)
{
    const char *sequence = cell(r, "sequence_parallel");
    muir_status st = MUIR_OK;
    MUIR_TRY(set_number(r, "seq_len", "seq_len"));
    MUIR_TRY(set_number(r, "global_batch_size", "global_batch_size"));
    MUIR_TRY(set_number(r, "micro_batch_size", "micro_batch_size"));
    MUIR_TRY(set_number(r, "parallel.zero_stage", "zero_stage"));
    MUIR_TRY(set_recompute(r));
    if (*sequence)
        MUIR_TRY(set(r, "parallel.sequence_parallel", strcmp(sequence, "yes") == 0 ? "true" : "false"));
    MUIR_TRY(set_told(r, "note", "notes"));
    MUIR_TRY(set_told(r, "note", "precision"));
    MUIR_TRY(set_told(r, "release", "source"));
    MUIR_TRY(set_told(r, "since", "source"));
    MUIR_TRY(set_precision(r));
    MUIR_TRY(set_zero_group(r));
done:
    return st;
}

/* The software: the model's bracket where it names one, else the column. */
static muir_status set_names(request *r)
{
    const char *fleet = cell(r, "fleet"), *known = known_name(r, "fleet", fleet);
    const char *bracket = strchr(cell(r, "model"), '[');
    const char *software = bracket ? known_name(r, "software", bracket) : NULL;
    if (!*fleet) return muir_fail(r->ctx, MUIR_ERR_ARG, "column fleet is empty");
    if (!software && strstr(cell(r, "precision"), "compile")) {
        char compiled[MUIR_NAME_SIZE];
        snprintf(compiled, sizeof compiled, "%.50s (compile)", cell(r, "stack"));
        software = known_name(r, "software", compiled);
    }
    snprintf(r->software, sizeof r->software, "%s", software ? software : cell(r, "stack"));
    return set(r, "fleet", known ? known : fleet);
}

static muir_status load(request *r, muir_scenario *scenario)
{
    const char *overrides[MOST];
    for (int i = 0; i < r->n; i++) overrides[i] = r->text[i];
    return muir_scenario_load(r->ctx, NULL, overrides, r->n, scenario);
}

/* The chip's name, or else that of its generation: NAME-h100-sxm, NAME-h100; "" if there is no such file. */
static void find_stack(const request *r, const char *name, const muir_chip *chip, const char *chip_name,
                       char *stack, size_t size)
{
    const char *const endings[] = {chip_name, chip->generation};
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        if (!*name || !*endings[i]) continue;
        snprintf(stack, size, "%s-%s", name, endings[i]);
        for (char *dash = stack + strlen(stack); dash > stack + strlen(name); dash = strrchr(stack, '-')) {
            *dash = '\0'; /* nothing at first */
            if (muir_catalogue_has(r->ctx, "stacks", stack)) return;
        }
    }
    snprintf(stack, size, "%s", name);
    if (!*name || !muir_catalogue_has(r->ctx, "stacks", stack)) *stack = '\0';
}

/* The row's own stack; else what is known of its kind of software, which the names say; else of all. */
static muir_status set_stack(request *r, const muir_scenario *fleet)
{
    const char *kind = known_name(r, "kind", r->software);
    char stack[3 * MUIR_NAME_SIZE];
    if (r->stack) return set(r, "stack", r->stack);
    find_stack(r, r->software, &fleet->fleet.chip, fleet->fleet.top.chip, stack, sizeof stack);
    if (!*stack && kind) find_stack(r, kind, &fleet->fleet.chip, fleet->fleet.top.chip, stack, sizeof stack);
    return set(r, "stack", *stack ? stack : MUIR_ANY_STACK);
}

/* A row's fleet is a kind of hardware, of which it may have had more than the file's. */
static muir_status set_servers(request *r, const muir_scenario *fleet)
{
    const int64_t per_server = fleet->fleet.server.chips, servers = (r->chips + per_server - 1) / per_server;
    char text[32];
    if (servers <= fleet->fleet.top.servers) return MUIR_OK;
    snprintf(text, sizeof text, "%lld", (long long)servers);
    return set(r, "fleet.servers", text);
}

/* First the fleet alone, to learn which chip it has and how many. */
static muir_status load_row(request *r, muir_scenario *scenario)
{
    const char *fleet[] = {r->text[0]};
    muir_status st = MUIR_OK;
    MUIR_TRY(muir_scenario_load(r->ctx, NULL, fleet, 1, scenario));
    MUIR_TRY(set_servers(r, scenario));
    MUIR_TRY(set_stack(r, scenario));
    MUIR_TRY(load(r, scenario));
done:
    return st;
}

muir_status muir_published_scenario(muir_ctx *ctx, const muir_csv *table, int row, const muir_csv *names,
                                    const char *stack, muir_scenario *scenario)
{
    request r = {.ctx = ctx, .table = table, .names = names, .stack = stack, .row = row};
    muir_status st = MUIR_OK;
    MUIR_TRY(set_names(&r));
    MUIR_TRY(set_model(&r));
    MUIR_TRY(set_layout(&r));
    MUIR_TRY(set_rest(&r));
    MUIR_TRY(load_row(&r, scenario));
done:
    return st;
}
