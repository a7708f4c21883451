/* SPDX-License-Identifier: BSD-3-Clause */
/* What is seen of a collective inside a block. Private to step_time/. */
#ifndef MUIR_STEP_TIME_EXPOSED_H
#define MUIR_STEP_TIME_EXPOSED_H

#include "models/program.h"
#include "scenario/scenario.h"

/* What of a collective's time does not hide under the ops around it [s].
 * ops     in   [n] ops of the block's phase
 * i       in   which of them is the collective
 * coll_s  in   what it takes [s]
 * Local. */
double muir_coll_seen_s(const muir_scenario *scenario, const muir_op *ops, int i, int n, muir_phase phase,
                        double coll_s);

#endif
