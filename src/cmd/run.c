/* SPDX-License-Identifier: BSD-3-Clause */
/* muir run: a scenario from start to summary. */
#include "run/run.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd/args.h"
#include "cmd/cmd.h"
#include "summary/report.h"
#include "cmd/run_ensemble.h"
#include "cmd/run_jobs.h"
#include "cmd/run_together.h"
#include "host_clock/algorithms.h"
#include "io/file.h"

/* A signal handler reaches nothing but a flag at file scope. */
static volatile sig_atomic_t stop_requested;

static void request_stop(int signal_number)
{
    (void)signal_number;
    stop_requested = 1;
}

static bool is_stopped(void)
{
    return stop_requested != 0;
}

static void catch_signals(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = request_stop;
    action.sa_flags = (int)(SA_RESTART | SA_RESETHAND); /* a second signal ends the program at once */
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGXFSZ, SIG_IGN); /* a file-size limit becomes a failed write with a message */
}

typedef struct run_arguments {
    muir_args args;
    const char *path, *json, *seeds, *until;
    bool is_resumed, is_quiet;
    char history[4096]; /* date and command line */
} run_arguments;

/* What CF wants to know about the making of a file. */
static void write_history(int argc, char **argv, char *text, size_t size)
{
    const time_t now = time(NULL);
    struct tm utc;
    size_t n = 0;
    if (gmtime_r(&now, &utc)) n = strftime(text, size, "%Y-%m-%dT%H:%M:%SZ ", &utc);
    n += (size_t)snprintf(text + n, size - n, "muir run");
    for (int i = 0; i < argc && n < size; i++) n += (size_t)snprintf(text + n, size - n, " %s", argv[i]);
}

static muir_status read_arguments(muir_ctx *ctx, int argc, char **argv, run_arguments *a)
{
    const muir_arg known[] = {
        {"-o", "--output", &a->path, NULL},       {"--json", NULL, &a->json, NULL},
        {"--seeds", NULL, &a->seeds, NULL},       {"--until", NULL, &a->until, NULL},
        {"--resume", NULL, NULL, &a->is_resumed}, {"-q", "--quiet", NULL, &a->is_quiet}};
    const muir_status st = muir_args_read_words(ctx, argc, argv, known, (int)(sizeof known / sizeof known[0]),
                                                MUIR_MOST_TOGETHER, &a->args);
    if (st != MUIR_OK) return st;
    if (!a->args.positional) return muir_fail(ctx, MUIR_ERR_ARG, "which scenario? (muir list scenarios)");
    return MUIR_OK;
}

/* Fails early, and on all ranks alike, if a file could not be written later. */
static muir_status check_folder(muir_ctx *ctx, const char *option, const char *path)
{
    char folder[1024] = ".";
    const char *slash = path ? strrchr(path, '/') : NULL;
    if (slash) snprintf(folder, sizeof folder, "%.*s/", (int)(slash - path), path);
    muir_status st = MUIR_OK;
    if (path && strcmp(path, "-") != 0 && muir_is_root(ctx) && access(folder, W_OK) != 0)
        st = muir_fail(ctx, MUIR_ERR_ARG, "%s %s: %s is not a writable folder", option, path, folder);
    return muir_agree(ctx, st);
}

/* No file takes the place of another that this run reads or writes. */
static muir_status check_names(muir_ctx *ctx, const run_arguments *a, const char *path)
{
    muir_status st = MUIR_OK;
    const bool has_json = a->json && strcmp(a->json, "-") != 0;
    if (!muir_is_root(ctx)) return muir_agree(ctx, st);
    if (strcmp(path, "-") == 0)
        st = muir_fail(ctx, MUIR_ERR_ARG, "-o -: telemetry is a file and cannot go to standard output");
    else if (muir_file_is_same(path, a->args.positional))
        st = muir_fail(ctx, MUIR_ERR_ARG, "-o %s is the scenario itself: give another name", path);
    else if (has_json && muir_file_is_same(a->json, a->args.positional))
        st = muir_fail(ctx, MUIR_ERR_ARG, "--json %s is the scenario itself: give another name", a->json);
    else if (has_json && muir_file_is_same(a->json, path))
        st = muir_fail(ctx, MUIR_ERR_ARG, "-o %s and --json %s are the same file: give two names", path,
                       a->json);
    return muir_agree(ctx, st);
}

/* Where the telemetry goes, for people who did not expect it there. */
static void tell_claim(const run_arguments *a, const muir_claim *claim, const char *path)
{
    if (a->is_quiet) return;
    if (muir_claim_backup(claim)[0])
        fprintf(stderr, "muir: %s existed and is now %s\n", path, muir_claim_backup(claim));
}

static muir_status execute(muir_ctx *ctx, const muir_scenario *scenario, const run_arguments *a,
                           const char *path)
{
    muir_status st = MUIR_OK;
    muir_program *program = NULL;
    muir_progress_line line = muir_progress_line_make();
    muir_summary summary;
    muir_memory memory;
    muir_claim *claim = NULL;
    double x = 0.0;
    MUIR_TRY(muir_host_algorithms_check(ctx, scenario));
    MUIR_TRY(muir_pace_parse(ctx, scenario->host.pace, &x));
    MUIR_TRY(muir_claim_create(ctx, path, a->is_resumed, &claim));
    if (a->is_resumed && muir_claim_is_new(claim) && muir_is_root(ctx))
        fprintf(stderr, "muir: --resume: there is no %s yet, so the run starts\n", path);
    const muir_run_request request = {.scenario = scenario,
                                      .claim = claim,
                                      .history = a->history,
                                      .stop = &stop_requested,
                                      .observer = a->is_quiet ? NULL : muir_progress_show,
                                      .observer_data = &line};
    MUIR_TRY(muir_program_create(ctx, &scenario->job, &program));
    MUIR_TRY(muir_agree(ctx, muir_scenario_memory(ctx, scenario, program, &memory)));
    catch_signals();
    ctx->is_stopped = is_stopped;
    if (!a->is_quiet) ctx->on_phase = muir_progress_phase;
    ctx->phase_data = &line;
    summary.is_whole = false;
    const muir_status ran = muir_run(ctx, &request, &summary);
    ctx->on_phase = NULL;
    ctx->is_stopped = NULL;
    muir_progress_end(&line);
    if (muir_is_root(ctx)) tell_claim(a, claim, path);
    if (ran != MUIR_OK && !summary.is_whole) MUIR_TRY(ran);
    const bool is_json_alone = a->json && strcmp(a->json, "-") == 0;
    if (muir_is_root(ctx) && !is_json_alone && !a->is_quiet)
        muir_report_print(scenario, program, &memory, &summary, path);
    if (muir_is_root(ctx) && a->json) st = muir_report_json(ctx, scenario, &summary, a->json);
    st = muir_agree(ctx, ran != MUIR_OK ? ran : st);
done:
    muir_claim_destroy(&claim);
    muir_program_destroy(&program);
    return st;
}

static muir_status execute_ensemble(muir_ctx *ctx, const muir_scenario *scenario, const run_arguments *a)
{
    const muir_ensemble_options options = {.seeds = a->seeds,
                                           .until = a->until,
                                           .json = a->json,
                                           .path = a->path,
                                           .history = a->history,
                                           .is_quiet = a->is_quiet,
                                           .stop = &stop_requested};
    if (a->is_resumed)
        return muir_fail(ctx, MUIR_ERR_ARG, "--seeds with --resume: an ensemble starts from its first draw");
    catch_signals();
    return muir_run_ensemble(ctx, scenario, &options);
}

/* Several scenarios, or one with `jobs:`; is_one: it is neither. */
static muir_status try_jobs(muir_ctx *ctx, const run_arguments *a, bool *is_one)
{
    muir_run_jobs_options options = {.path = a->path,
                                     .json = a->json,
                                     .history = a->history,
                                     .is_quiet = a->is_quiet,
                                     .is_alone = a->seeds || a->until || a->is_resumed,
                                     .stop = &stop_requested};
    catch_signals();
    *is_one = false;
    if (a->args.n_words > 1) return muir_run_together(ctx, &a->args, &options);
    return muir_run_jobs(ctx, &a->args, &options, is_one);
}

static muir_status run(muir_ctx *ctx, int argc, char **argv)
{
    muir_status st = MUIR_OK;
    bool is_one = true;
    run_arguments a = {.path = NULL};
    muir_scenario scenario;
    char path[MUIR_NAME_SIZE + 16];
    MUIR_TRY(read_arguments(ctx, argc, argv, &a));
    write_history(argc, argv, a.history, sizeof a.history);
    MUIR_TRY(check_folder(ctx, "--json", a.json));
    MUIR_TRY(check_folder(ctx, "-o", a.path));
    MUIR_TRY(try_jobs(ctx, &a, &is_one));
    if (!is_one) goto done;
    MUIR_TRY(muir_scenario_load(ctx, a.args.positional, a.args.overrides, a.args.n_overrides, &scenario));
    snprintf(path, sizeof path, "muir-%s.h5", scenario.name);
    MUIR_TRY(check_names(ctx, &a, a.path ? a.path : path));
    if (a.seeds || a.until)
        MUIR_TRY(execute_ensemble(ctx, &scenario, &a));
    else
        MUIR_TRY(execute(ctx, &scenario, &a, a.path ? a.path : path));
done:
    muir_args_free(&a.args);
    return st;
}

const muir_command muir_command_run = {
    .name = "run",
    .usage = "SCENARIO [SCENARIO ...] [key=value ...] [-o FILE.h5] [--resume] [--seeds N [--until M:S%]] "
             "[--json FILE] [-q]",
    .summary = "run a scenario: telemetry into FILE.h5, progress, summary",
    .help = "  SCENARIO      a name (muir list scenarios) or a YAML file; with `jobs:` in it: several\n"
            "                jobs on one fleet\n"
            "  two or more   jobs executed at once on disjoint ranks, each alone first; files muir-NAME.h5\n"
            "  key=value     overrides a key: steps=50, parallel.tp=32, fleet.fabric.oversubscription=4,\n"
            "                model.layers=64, chip.tdp_w=600, host.every=0 (muir help scenario lists all)\n"
            "  -o FILE.h5    telemetry file; without it muir-SCENARIO.h5 here; an older one becomes\n"
            "                FILE.h5.bak, FILE.h5.bak2, ...\n"
            "  --resume      continue FILE.h5, also after a kill; if there is none yet, start\n"
            "  --json FILE   the summary as JSON; `-` writes it to standard output, without the text\n"
            "  --seeds N     an ensemble: only the fleet clock, over N seeds from the scenario's on, spread\n"
            "                over ranks; prints P10, P50, P90 and standard error instead of one draw;\n"
            "                with -o FILE.h5 a file with /ensemble, a row for each draw\n"
            "  --until M:S%  ends the ensemble once the 95 % interval of the mean of measure M is within S % "
            "(goodput:1%)\n"
            "  -q            no progress and no summary\n\n"
            "Ctrl-C or SIGTERM ends the run after the step, with everything written (exit code 75).\n",
    .run = run,
};
