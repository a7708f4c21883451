/* SPDX-License-Identifier: BSD-3-Clause */
/* Walking a stage's slots. */
#include "memory/timeline.h"

#include "memory/moments.h"

/* What a chunk keeps of a microbatch. */
static double kept_by(const muir_program *program, const muir_layers_memory *layers, int chunk)
{
    const muir_chunk *c = &program->chunks[chunk];
    double bytes = 0.0;
    for (int part = 0; part < c->n_parts; part++)
        bytes += c->repeat[part] * layers->block[c->block[part]].kept;
    return bytes;
}

void muir_memory_timeline(const muir_job *job, const muir_program *program, int stage, const muir_slot *list,
                          int n, muir_memory_slot *slots)
{
    const muir_layers_memory layers = muir_layers_memory_of(job, program);
    const muir_stage_memory s = muir_stage_memory_of(job, program, &layers, stage);
    double live = 0.0;
    for (int i = 0; i < n; i++) {
        const double kept = kept_by(program, &layers, muir_program_chunk(program, stage, list[i].chunk));
        muir_peak peak = {.total = 0.0};
        if (list[i].phase == MUIR_FORWARD) {
            live += kept;
            muir_peak_forward(&peak, &s, list[i].chunk, live);
        } else {
            muir_peak_backward(&peak, &s, list[i].chunk, live, kept);
        }
        if (list[i].phase == MUIR_WEIGHT || list[i].is_joined) live -= kept;
        slots[i] = (muir_memory_slot){.slot = list[i], .moment = peak.moment, .allocated = peak.total};
        for (int part = 0; part < MUIR_MEMORY_PARTS; part++) {
            slots[i].part[part] = s.part[part] + peak.part[part];
            slots[i].allocated += s.part[part];
        }
    }
}
