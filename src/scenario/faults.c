/* SPDX-License-Identifier: BSD-3-Clause */
/* Schema of fault files and their checks. */
#include "scenario/faults.h"

#include "base/units.h"

#define OPTION MUIR_OPTION_ROW
#define MUIR_OPTION_OWNER muir_faults_top
static const muir_option top_options[] = {
#include "scenario/faults.def"
};
#undef MUIR_OPTION_OWNER
#define MUIR_OPTION_OWNER muir_slow_options
static const muir_option slow_options[] = {
#include "scenario/slow.def"
};
#undef MUIR_OPTION_OWNER
#define MUIR_OPTION_OWNER muir_jitter
static const muir_option jitter_options[] = {
#include "scenario/jitter.def"
};
#undef MUIR_OPTION_OWNER
#define MUIR_OPTION_OWNER muir_detection
static const muir_option detection_options[] = {
#include "scenario/detection.def"
};
#undef MUIR_OPTION_OWNER
#define MUIR_OPTION_OWNER muir_reaction_options
static const muir_option reaction_options[] = {
#include "scenario/reaction.def"
};
#undef MUIR_OPTION_OWNER
#define MUIR_OPTION_OWNER muir_checkpoint_options
static const muir_option checkpoint_options[] = {
#include "scenario/checkpoint.def"
};
#undef MUIR_OPTION_OWNER
#define MUIR_OPTION_OWNER muir_job_faults
static const muir_option job_options[] = {
#include "scenario/job.def"
};
#undef MUIR_OPTION_OWNER
#define MUIR_OPTION_OWNER muir_policy
static const muir_option policy_options[] = {
#include "scenario/policy.def"
};
#undef MUIR_OPTION_OWNER
#undef OPTION
static const muir_option cause_options[] = {
#define CAUSE(name, reach, noticed, help)                                                                    \
    {#name, MUIR_OPTION_FLOAT, offsetof(muir_causes, weight[MUIR_KIND_##name]), "0", "0..1e9", NULL, "",     \
     help},
#define OTHER(name, help)
#define JOB(name, noticed, help)
#include "scenario/kinds.def"
#undef CAUSE
#undef OTHER
#undef JOB
};

static const muir_section sections[] = {
    MUIR_SECTION("", offsetof(muir_faults, top), top_options),
    MUIR_SECTION("causes", offsetof(muir_faults, causes), cause_options),
    MUIR_SECTION("slow", offsetof(muir_faults, slow), slow_options),
    MUIR_SECTION("jitter", offsetof(muir_faults, jitter), jitter_options),
    MUIR_SECTION("detection", offsetof(muir_faults, detection), detection_options),
    MUIR_SECTION("reaction", offsetof(muir_faults, reaction), reaction_options),
    MUIR_SECTION("checkpoint", offsetof(muir_faults, checkpoint), checkpoint_options),
    MUIR_SECTION("job", offsetof(muir_faults, job), job_options),
    MUIR_SECTION("policy", offsetof(muir_faults, policy), policy_options),
};
const muir_schema muir_faults_schema = MUIR_SCHEMA("faults", "faults", sections, muir_faults);

bool muir_faults_has_failures(const muir_faults *f)
{
    return f->top.rate > 0.0 || muir_faults_job_per_day(f) > 0.0;
}

double muir_faults_job_per_day(const muir_faults *f)
{
    return f->job.crash + f->job.hang + f->job.deployment + f->job.loss_spike;
}

double muir_causes_sum(const muir_causes *causes)
{
    double sum = 0.0;
    for (int c = 0; c < MUIR_CAUSE_COUNT; c++) sum += causes->weight[c];
    return sum;
}

muir_status muir_faults_check(muir_ctx *ctx, const char *where, const muir_faults *f)
{
    const struct {
        const char *least_key, *most_key;
        double least, most;
    } ranges[] = {
        {"long_repair_min_s", "long_repair_max_s", f->top.long_repair_min_s, f->top.long_repair_max_s},
        {"slow.compute_least", "slow.compute_most", f->slow.compute_least, f->slow.compute_most},
        {"slow.network_least", "slow.network_most", f->slow.network_least, f->slow.network_most},
        {"slow.flap_down_least_s", "slow.flap_down_most_s", f->slow.flap_down_least_s,
         f->slow.flap_down_most_s},
        {"slow.flap_up_least_s", "slow.flap_up_most_s", f->slow.flap_up_least_s, f->slow.flap_up_most_s},
        {"slow.flap_cycles_least", "slow.flap_cycles_most", (double)f->slow.flap_cycles_least,
         (double)f->slow.flap_cycles_most},
        {"jitter.gc_least_s", "jitter.gc_most_s", f->jitter.gc_least_s, f->jitter.gc_most_s},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
        if (ranges[i].least > ranges[i].most)
            return muir_fail(ctx, MUIR_ERR_ARG, "%s: faults.%s=%g is above faults.%s=%g", where,
                             ranges[i].least_key, ranges[i].least, ranges[i].most_key, ranges[i].most);
    if (f->top.rate > 0.0 && muir_causes_sum(&f->causes) <= 0.0)
        return muir_fail(ctx, MUIR_ERR_ARG,
                         "%s: faults.rate=%g, but no cause under faults.causes has a weight", where,
                         f->top.rate);
    return MUIR_OK;
}

muir_status muir_faults_check_often(muir_ctx *ctx, const muir_faults *f, int64_t chips)
{
    const double most = 1e6, thousands = 1e-3 * (double)chips, days_of_month = 30.4375;
    const struct {
        const char *key;
        double value, per_day;
    } rates[] = {
        {"rate", f->top.rate, f->top.rate * thousands},
        {"planned", f->top.planned, f->top.planned},
        {"slow.compute", f->slow.compute, f->slow.compute * thousands},
        {"slow.network", f->slow.network, f->slow.network * thousands},
        {"slow.flap", f->slow.flap, f->slow.flap * (double)chips / days_of_month},
        {"job.crash", f->job.crash, f->job.crash},
        {"job.hang", f->job.hang, f->job.hang},
        {"job.deployment", f->job.deployment, f->job.deployment},
        {"job.loss_spike", f->job.loss_spike, f->job.loss_spike},
        {"job.data_stall", f->job.data_stall, f->job.data_stall},
    };
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++)
        if (rates[i].per_day > most)
            return muir_fail(
                ctx, MUIR_ERR_ARG,
                "faults.%s=%g on %s chips is %.3g events per day, more than the %.0e that muir models",
                rates[i].key, rates[i].value, muir_count_text(chips).s, rates[i].per_day, most);
    return MUIR_OK;
}
