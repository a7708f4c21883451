/* SPDX-License-Identifier: BSD-3-Clause */
/* muir export: a telemetry file in the formats of other tools. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "cmd/args.h"
#include "cmd/cmd.h"
#include "export/chakra.h"
#include "export/perfetto.h"
#include "export/script.h"
#include "scenario/scenario.h"

static muir_status read_steps(muir_ctx *ctx, const char *text, muir_trace_steps *steps)
{
    char *end = NULL;
    if (!text) return MUIR_OK;
    errno = 0;
    steps->first = steps->last = strtoll(text, &end, 10);
    if (end != text && *end == ':') {
        const char *second = end + 1;
        steps->last = strtoll(second, &end, 10);
        if (end == second) end = NULL;
    }
    if (errno != 0 || !end || end == text || *end != '\0' || steps->first < 0 || steps->last < steps->first)
        return muir_fail(ctx, MUIR_ERR_ARG,
                         "--steps %s: write a step, or the first and last of several: 100:120", text);
    return MUIR_OK;
}

/* Perfetto's own format by the name of the file, as Perfetto's tools have it. */
static bool is_native(const char *path)
{
    static const char *const endings[] = {".pftrace", ".perfetto-trace"};
    const size_t n = strlen(path);
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++)
        if (n > strlen(endings[i]) && strcmp(path + n - strlen(endings[i]), endings[i]) == 0) return true;
    return false;
}

static muir_status write_trace(muir_ctx *ctx, const char *path, const char *output, muir_trace_steps steps)
{
    muir_status st = MUIR_OK;
    muir_scenario *scenario = NULL;
    muir_columns *columns = NULL;
    muir_timeline *timeline = NULL;
    muir_trace_writer w;
    int64_t n_ops = 0;
    FILE *file = NULL;
    scenario = malloc(sizeof *scenario);
    if (!scenario) return muir_fail(ctx, MUIR_ERR_MEM, "no memory for a scenario");
    MUIR_TRY(muir_columns_open(ctx, path, &columns));
    MUIR_TRY(muir_trace_scenario(ctx, columns, path, scenario));
    MUIR_TRY(muir_timeline_create(ctx, scenario, &timeline));
    file = fopen(output, "w");
    if (!file) MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "-o %s cannot be written: %s", output, strerror(errno)));
    muir_trace_begin(&w, file, is_native(output));
    muir_trace_put_schedule(&w, timeline);
    MUIR_TRY(muir_trace_put_memory(ctx, &w, columns, timeline));
    MUIR_TRY(muir_trace_put_fleet(ctx, &w, columns, steps));
    MUIR_TRY(muir_trace_put_host(ctx, &w, columns, &n_ops));
    muir_trace_end(&w, path, scenario->run.model);
    const bool is_written = !ferror(file) && !w.is_out_of_memory, is_closed = fclose(file) == 0;
    file = NULL;
    if (!is_written || !is_closed) MUIR_TRY(muir_fail(ctx, MUIR_ERR_FILE, "%s cannot be written", output));
    printf("%s: %s events: %d stages, %s slots, %s messages, %s executed ops; ui.perfetto.dev opens it\n",
           output, muir_count_text(w.n_events).s, timeline->n_stages, muir_count_text(timeline->n_spans).s,
           muir_count_text(timeline->n_transfers).s, muir_count_text(n_ops).s);
done:
    if (file) {
        fclose(file);
        remove(output); /* half a trace is none */
    }
    muir_timeline_destroy(&timeline);
    muir_columns_close(&columns);
    free(scenario);
    return st;
}

static muir_status run_perfetto(muir_ctx *ctx, int argc, char **argv)
{
    muir_status st = MUIR_OK;
    const char *output = NULL, *steps_text = NULL;
    muir_trace_steps steps = {0, 0};
    muir_args args = {.positional = NULL};
    const muir_arg known[] = {{"-o", "--output", &output, NULL}, {"--steps", NULL, &steps_text, NULL}};
    MUIR_TRY(muir_args_read(ctx, argc, argv, known, 2, &args));
    if (!args.positional || args.n_overrides > 0)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "which file? (muir export perfetto FILE.h5 -o FILE.json)"));
    if (!output) MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "which output? (-o FILE.json)"));
    MUIR_TRY(read_steps(ctx, steps_text, &steps));
    MUIR_TRY(write_trace(ctx, args.positional, output, steps));
done:
    muir_args_free(&args);
    return st;
}

static muir_status run(muir_ctx *ctx, int argc, char **argv)
{
    static const char *const of_script[] = {"csv", "parquet", "openmetrics"};
    if (argc > 0 && strcmp(argv[0], "perfetto") == 0) return run_perfetto(ctx, argc - 1, argv + 1);
    if (argc > 0 && strcmp(argv[0], "chakra") == 0) return muir_chakra_command(ctx, argc - 1, argv + 1);
    for (size_t i = 0; argc > 0 && i < sizeof of_script / sizeof of_script[0]; i++)
        if (strcmp(argv[0], of_script[i]) == 0) return muir_script_run(ctx, "export.py", argc, argv);
    return muir_fail(ctx, MUIR_ERR_ARG, "which format? perfetto, chakra, csv, parquet or openmetrics");
}

const muir_command muir_command_export = {
    .name = "export",
    .usage = "perfetto|chakra|csv|parquet|openmetrics FILE.h5 -o FILE [options]",
    .summary = "write a telemetry file in the formats of other tools",
    .help =
        "  perfetto      a timeline for ui.perfetto.dev, Chrome JSON, or Perfetto's own format where FILE "
        "ends in\n"
        "                .pftrace: the modelled schedule of a replica, steps and events of the fleet, and\n"
        "                executed ops where telemetry.trace_steps stored them\n"
        "    --steps A[:B]   rows of the fleet that are shown; default 0\n"
        "  chakra        the modelled ideal step as execution traces, PREFIX.CHIP.et, and "
        "PREFIX.groups.json\n"
        "    -o PREFIX       where to\n"
        "    --chips LIST    chips of the job, 0,8,16 or 0:15; default the first chip of every stage\n"
        "  csv, parquet  the columns of a group; csv takes `-o -` for standard output\n"
        "    --group NAME    default fleet; the group events has names for its numbers\n"
        "  openmetrics   figures of the last row, for node_exporter's textfile collector\n"
        "    --every S       again every S seconds until the run ends\n"
        "  -o FILE       where to write\n"
        "csv, parquet and openmetrics need Python with h5py; parquet also pandas with pyarrow or "
        "fastparquet.\n",
    .mpi = MUIR_MPI_NONE,
    .run = run,
};
