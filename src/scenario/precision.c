/* SPDX-License-Identifier: BSD-3-Clause */
/* The precision of a job's products, and what its fleet's chips reach in it. */
#include "scenario/scenario.h"

const char *muir_scenario_precision(const muir_scenario *scenario)
{
    return muir_schema_word(&muir_scenario_schema, "precision", scenario->job.batch.precision);
}

double muir_scenario_peak_flop_per_s(const muir_scenario *scenario)
{
    const muir_chip *chip = &scenario->fleet.chip;
    switch (scenario->job.batch.precision) {
    case MUIR_PRECISION_FP8:
    case MUIR_PRECISION_MXFP8: return chip->fp8_flop_per_s;
    case MUIR_PRECISION_NVFP4: return chip->fp4_flop_per_s;
    case MUIR_PRECISION_INT8: return chip->int8_flop_per_s;
    default: return chip->bf16_flop_per_s;
    }
}
