/* SPDX-License-Identifier: BSD-3-Clause */
/* Measuring what the fleet clock takes from the host clock. */
#include "run/calibrate.h"

#include "host_clock/jitter.h"
#include "io/telemetry.h"

static const double most_sigma = 0.2; /* as in variation.def */

muir_status muir_calibrate(muir_ctx *ctx, const char *path, muir_scenario *scenario)
{
    muir_status st = MUIR_OK;
    double sigma = 0.0;
    if (scenario->run.calibrate == MUIR_CALIBRATE_NONE) return MUIR_OK;
    if (path) {
        MUIR_TRY(muir_telemetry_read_number(ctx, path, "scenario", "fleet.variation.step_sigma", &sigma));
    } else {
        MUIR_TRY(muir_host_jitter(ctx, &sigma));
    }
    if (sigma > most_sigma)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_CHECK,
                           "calibrate=host: times of the same work vary by %.0f %% here, but the fleet clock "
                           "accepts at most %.0f %%: this machine is busy with something else",
                           100.0 * sigma, 100.0 * most_sigma));
    scenario->fleet.variation.step_sigma = sigma;
done:
    return st;
}
