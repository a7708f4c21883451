/* SPDX-License-Identifier: BSD-3-Clause */
/* What the job does about a failure, and how long it stands still for it. */
#ifndef MUIR_RELIABILITY_REACTION_H
#define MUIR_RELIABILITY_REACTION_H

#include "reliability/checkpoints.h"
#include "reliability/goodput.h"

enum { MUIR_SCOPE_COUNT = MUIR_SCOPE_ELASTIC + 1 };

typedef struct muir_reaction {
    int scope;                        /* MUIR_SCOPE_SYNC, _REPLICA or _ELASTIC */
    bool is_chosen;                   /* by `auto` */
    double share[MUIR_SCOPE_COUNT];   /* expected productive share of each */
    double mtti_s;                    /* expected time between failures of the job; infinity: none */
    double servers_mtti_s;            /* the same of those that its servers cause */
    double stall_s[MUIR_SCOPE_COUNT]; /* expected stall of one failure */
    bool lacks_spares;                /* more servers are in repair than there are spares, in the mean */
    double storage_share;             /* share of failures that only storage survives */
    int64_t init_job_ns, init_unit_ns, reconnect_ns;
} muir_reaction;

/* How a failure is noticed and served. */
typedef struct muir_case {
    int64_t detection_ns, operator_ns;
    int64_t server_ns; /* until processes can start: rescheduling, waiting for a server */
    int64_t load_ns;
    int64_t retry_ns; /* restarts that fail, and checks before each */
} muir_case;

/* Start laws, expectations, and the scope that `auto` takes: the first of sync, replica, elastic that keeps
 * 90 % of the time, else the best.
 *     share = max(0, 1 - (stall + lost work) / mtti)
 * since each failure costs a stall of its own: one that happens during a stall is found when that is over.
 * Without a second unit of replicas there is no scope but sync.
 * checkpoints  in   NULL: not known yet; only mtti_s and storage_share are filled in
 * step_s       in   time of a step [s]
 * Local. */
void muir_reaction_init(muir_reaction *reaction, const muir_scenario *scenario,
                        const muir_checkpoints *checkpoints, double step_s);

/* Stall of the whole job, by class; returns their sum [ns].
 *     sync     detection + operator + servers + retries + start of the whole job + load
 *     replica  the same with the start of one unit and its reconnection
 *     elastic  detection + reconnection of the units that are left + load where all go back
 * class_ns  out  [MUIR_CLASS_COUNT]
 * Local. */
int64_t muir_reaction_stall(const muir_reaction *reaction, const muir_scenario *scenario, int scope,
                            const muir_case *failure, int64_t *class_ns);

/* A restart in a scope, from a free server to training: rescheduling, start, load [s]. Local. */
double muir_reaction_restart_s(const muir_reaction *reaction, const muir_scenario *scenario, int scope,
                               double load_s);

/* Names of scopes: "auto", "sync", ...; never NULL. Local. */
const char *muir_scope_name(int scope);

#endif
