/* SPDX-License-Identifier: BSD-3-Clause */
/* muir list: the catalogues of data files and of table rows. */
#include <stdio.h>
#include <string.h>

#include "cmd/args.h"
#include "cmd/cmd.h"
#include "cmd/list_times.h"
#include "collectives/coll.h"
#include "kernels/gemm.h"
#include "models/program.h"
#include "scenario/catalogue.h"
#include "scenario/scenario.h"
#include "schedule/schedule.h"

/* The `description` of a data file, without reading the rest against its schema. */
static void print_description(const char *path)
{
    char line[512];
    FILE *file = fopen(path, "r");
    if (!file) return;
    while (fgets(line, sizeof line, file))
        if (strncmp(line, "description: ", 13) == 0) {
            line[strcspn(line, "\n")] = '\0';
            printf("  %s", line + 13);
            break;
        }
    fclose(file);
}

static muir_status list_files(muir_ctx *ctx, const char *folder)
{
    muir_status st = MUIR_OK;
    char **names = NULL, path[1200];
    int n = 0;
    MUIR_TRY(muir_catalogue_names(ctx, folder, &names, &n));
    for (int i = 0; i < n; i++) {
        MUIR_TRY(muir_catalogue_find(ctx, folder, names[i], "list", path, sizeof path));
        printf("  %-28s", names[i]);
        print_description(path);
        printf("\n");
    }
done:
    muir_catalogue_free(&names, n);
    return st;
}

static muir_status list_scenarios(muir_ctx *ctx)
{
    return list_files(ctx, "scenarios");
}

static muir_status list_fleets(muir_ctx *ctx)
{
    return list_files(ctx, "fleets");
}

static muir_status list_chips(muir_ctx *ctx)
{
    return list_files(ctx, "chips");
}

static muir_status list_models(muir_ctx *ctx)
{
    return list_files(ctx, "models");
}

static muir_status list_stacks(muir_ctx *ctx)
{
    return list_files(ctx, "stacks");
}

static muir_status list_faults(muir_ctx *ctx)
{
    return list_files(ctx, "faults");
}

static muir_status list_families(muir_ctx *ctx)
{
    (void)ctx;
    for (int i = 0; i < muir_family_count(); i++)
        printf("  %-23s  %s\n", muir_family_at(i)->name, muir_family_at(i)->source);
    return MUIR_OK;
}

static muir_status list_schedules(muir_ctx *ctx)
{
    (void)ctx;
    for (int i = 0; i < muir_schedule_count(); i++)
        printf("  %-12s  needs %-46s  %s\n", muir_schedule_at(i)->name, muir_schedule_at(i)->needs,
               muir_schedule_at(i)->source);
    return MUIR_OK;
}

static muir_status list_collectives(muir_ctx *ctx)
{
    (void)ctx;
    for (size_t i = 0; i < muir_coll_count(); i++)
        printf("  %-14s  %-20s  %s\n", muir_coll_kind_name(muir_coll_at(i)->kind), muir_coll_at(i)->name,
               muir_coll_at(i)->source);
    return MUIR_OK;
}

static muir_status list_kernels(muir_ctx *ctx)
{
    muir_kernels *kernels = NULL;
    const muir_status st = muir_kernels_create(ctx, &kernels);
    if (st != MUIR_OK) return st;
    for (size_t i = 0; i < muir_gemm_count(); i++) {
        const muir_gemm *g = muir_gemm_at(i);
        char text[MUIR_GEMM_TEXT] = "not on this machine";
        if (g->is_available(kernels)) g->describe(kernels, text, sizeof text);
        printf("  %-10s %-5s %s\n", g->name, muir_dtype_name(g->dtype), text);
    }
    muir_kernels_destroy(&kernels);
    return MUIR_OK;
}

static const struct {
    const char *name;
    muir_status (*list)(muir_ctx *ctx);
} lists[] = {{"scenarios", list_scenarios}, {"fleets", list_fleets},       {"chips", list_chips},
             {"models", list_models},       {"stacks", list_stacks},       {"faults", list_faults},
             {"families", list_families},   {"schedules", list_schedules}, {"collectives", list_collectives},
             {"kernels", list_kernels}};

static muir_status run(muir_ctx *ctx, int argc, char **argv)
{
    const char *wanted = argc > 0 ? argv[0] : NULL;
    bool is_found = false;
    muir_status st = MUIR_OK;
    if (argc > 1 && argc <= 3 && strcmp(wanted, "collectives") == 0)
        return muir_list_times(ctx, argv[1], argc > 2 ? argv[2] : NULL);
    if (argc > 1) return muir_fail(ctx, MUIR_ERR_ARG, "muir list takes one word at most");
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        if (wanted && strcmp(wanted, lists[i].name) != 0) continue;
        is_found = true;
        if (!muir_is_root(ctx)) continue;
        if (!wanted) printf("%s%s\n", i ? "\n" : "", lists[i].name);
        st = lists[i].list(ctx);
        if (st != MUIR_OK) break;
    }
    if (!is_found)
        return muir_fail(
            ctx, MUIR_ERR_ARG,
            "no list '%s': scenarios, fleets, chips, models, stacks, faults, families, schedules, "
            "collectives or kernels",
            wanted);
    return muir_agree(ctx, st);
}

const muir_command muir_command_list = {
    .name = "list",
    .usage = "[scenarios|fleets|chips|models|stacks|faults|families|schedules|collectives|kernels]",
    .summary = "what there is to choose from",
    .help = "Names of scenarios, fleets, chips and models are files in the data folder ($MUIR_DATA); a path "
            "works too.\n"
            "list collectives FLEET [CHIPS]: what each algorithm would take on that fleet, modelled.\n",
    .run = run,
};
