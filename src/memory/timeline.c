/* SPDX-License-Identifier: BSD-3-Clause */
/* Walking a stage's slots. */
#include "memory/timeline.h"

#include "memory/moments.h"

void muir_memory_timeline(const muir_job *job, const muir_program *program, int stage, const muir_slot *list,
                          int n, muir_memory_slot *slots)
{
    const muir_layers_memory layers = muir_layers_memory_of(job, program);
    const muir_stage_memory s = muir_stage_memory_of(job, program, &layers, stage);
    double live = 0.0;
    for (int i = 0; i < n; i++) {
        muir_peak peak = {.total = 0.0};
        muir_peak_slot(&peak, &s, &layers, stage, &list[i], &live);
        slots[i] = (muir_memory_slot){.slot = list[i], .moment = peak.moment, .allocated = peak.total};
        for (int part = 0; part < MUIR_MEMORY_PARTS; part++) {
            slots[i].part[part] = s.part[part] + peak.part[part];
            slots[i].allocated += s.part[part];
        }
    }
}
