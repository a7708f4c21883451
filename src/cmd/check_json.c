/* SPDX-License-Identifier: BSD-3-Clause */
/* The dry run as JSON. */
#include "cmd/check.h"
#include "text/print.h"
#include "scenario/fold.h"
#include "scenario/inputs.h"

enum { MOST_RANKS = 100000 };

static json_t *memory_json(const muir_check *c)
{
    const muir_memory *m = &c->memory;
    const muir_memory_fit fit = muir_memory_fit_of(m, &c->scenario->fleet.chip);
    json_t *parts = json_object();
    for (int i = 0; i < MUIR_MEMORY_PARTS; i++)
        json_object_set_new(parts, muir_memory_part_name((muir_memory_part)i), json_real(m->part[i]));
    return json_pack("{s:i,s:s,s:f,s:f,s:f,s:f,s:f,s:f,s:f,s:s,s:b,s:o}", "stage", m->stage, "moment",
                     muir_memory_moment_name(m->moment), "allocated_bytes", m->allocated, "reserved_bytes",
                     m->reserved, "needed_bytes", m->needed, "total_bytes", m->total, "chip_bytes", fit.room,
                     "headroom_bytes", fit.headroom, "failing", fit.failing, "verdict",
                     muir_fit_verdict_name(fit.verdict), "fits", fit.verdict == MUIR_FITS, "parts_bytes",
                     parts);
}

static json_t *parts_json(const muir_ideal *ideal)
{
    json_t *parts = json_object();
    for (int i = 0; i < MUIR_PART_COUNT; i++)
        json_object_set_new(parts, muir_part_name((muir_part)i), json_real(ideal->part_s[i]));
    return parts;
}

/* Replicas of the fleet clock and the place in the mesh, rank by rank. */
static json_t *ranks_json(const muir_check *c)
{
    json_t *ranks = json_array();
    for (int r = 0; r < c->ranks && r < MOST_RANKS; r++) {
        const muir_fold f = muir_fold_make(c->scenario, c->ranks, r);
        json_t *place = json_array();
        for (int a = 0; a < MUIR_MESH_AXES && f.place[0] >= 0; a++)
            json_array_append_new(place, json_integer(f.place[a]));
        json_array_append_new(ranks, json_pack("{s:i,s:I,s:I,s:o}", "rank", r, "first_replica",
                                               (json_int_t)f.replicas.first, "replicas",
                                               (json_int_t)f.replicas.n, "place", place));
    }
    return ranks;
}

static json_t *mesh_json(const muir_fold *fold)
{
    json_t *mesh = json_object();
    for (int a = 0; a < MUIR_MESH_AXES; a++)
        json_object_set_new(mesh, muir_mesh_axis_name(a), json_integer(fold->mesh[a]));
    return mesh;
}

static json_t *forecast_json(const muir_forecast *f)
{
    return json_pack("{s:i,s:i,s:f,s:f,s:f,s:f,s:f,s:f,s:f,s:f,s:f}", "fleet_ranks", f->fleet_ranks,
                     "host_ranks", f->host_ranks, "rank_bytes", f->rank_bytes, "program_bytes",
                     f->program_bytes, "host_bytes", f->host_bytes, "fleet_bytes", f->fleet_bytes,
                     "batch_bytes", f->batch_bytes, "library_bytes", f->library_bytes, "telemetry_step_bytes",
                     f->step_bytes, "telemetry_bytes", f->file_bytes, "start_s", f->start_s);
}

static json_t *keys_json(const muir_scenario *s)
{
    json_t *keys = json_object();
    muir_input_key key = {.input = NULL};
    while (muir_input_next(&key))
        json_object_set_new(keys, key.name,
                            muir_option_json(key.section, key.option, muir_input_file(key.input, s)));
    return keys;
}

json_t *muir_check_json(const muir_check *c)
{
    const muir_scenario *s = c->scenario;
    const muir_fold fold = muir_fold_make(s, c->ranks, 0);
    return json_pack(
        "{s:s,s:s,s:f,s:f,s:I,s:I,s:I,s:I,s:f,s:f,s:f,s:I,s:o,s:f,s:o,s:i,s:i,s:o,s:o,s:o,s:o,s:o}",
        "scenario", s->name, "basis", muir_basis_word(s), "ideal_step_low_s",
        c->ideal->step_s * c->interval.low, "ideal_step_high_s", c->ideal->step_s * c->interval.high,
        "fleet_chips", (json_int_t)muir_fleet_chips(&s->fleet), "job_chips",
        (json_int_t)muir_job_chips(&s->job), "spare_chips", (json_int_t)s->spare_chips, "spare_servers",
        (json_int_t)s->spare_servers, "params", c->program->params, "active_params",
        c->program->active_params, "step_flop", c->program->model_flop, "microbatches",
        (json_int_t)s->job.microbatches, "memory", memory_json(c), "ideal_step_s", c->ideal->step_s,
        "ideal_parts_s", parts_json(c->ideal), "ranks", c->ranks, "idle_ranks", c->ranks - fold.mesh_ranks,
        "mesh", mesh_json(&fold), "rank_map", ranks_json(c), "keys", keys_json(s), "forecast",
        forecast_json(&c->forecast), "groups", muir_check_groups_json(c));
}
