/* SPDX-License-Identifier: BSD-3-Clause */
/* Where the run's time went: every nanosecond is productive or one kind of badput. */
#ifndef MUIR_RELIABILITY_GOODPUT_H
#define MUIR_RELIABILITY_GOODPUT_H

#include <stdint.h>

#include "scenario/kinds.h"

/* Classes of time, named as Google's goodput library names badput where it has the class (AI-Hypercomputer/
 * ml-goodput-measurement): program_startup, the two of checkpoints, wasted_progress_from_disruption and
 * infrastructure_recovery_from_disruption, data_loading. It counts detection as infrastructure recovery and
 * does not know jobs that go on without a replica. */
#define MUIR_CLASS_LIST(X)                                                                                   \
    X(productive, "steps that were kept")                                                                    \
    X(checkpoint_save, "standing still for checkpoints")                                                     \
    X(wasted_progress, "steps lost: broken off, or trained after the checkpoint that was restored")          \
    X(detection, "until a failure was noticed")                                                              \
    X(infrastructure_recovery, "waiting for servers, processes or a person")                                 \
    X(program_startup, "starting processes and communicators again")                                         \
    X(checkpoint_restore, "loading saved state")                                                             \
    X(missing_replicas, "share of kept steps that missing replicas did not train")                           \
    X(data_loading, "waiting for data in steps that were kept")

#define MUIR_CLASS_ENUM(name, help) MUIR_CLASS_##name,
typedef enum muir_class { MUIR_CLASS_LIST(MUIR_CLASS_ENUM) MUIR_CLASS_COUNT } muir_class;
#undef MUIR_CLASS_ENUM

const char *muir_class_name(int class); /* "productive"; never NULL */
const char *muir_class_help(int class);

/* Plain data. Times [ns], so that sums are exact in any order. */
typedef struct muir_goodput {
    int64_t total_ns;
    int64_t class_ns[MUIR_CLASS_COUNT];  /* add up to total_ns */
    int64_t lost_ns[MUIR_KIND_COUNT];    /* time of the whole job lost to each kind; part of the badput */
    int64_t trained_ns[MUIR_KIND_COUNT]; /* of lost_ns: trained for nothing, the rest is standing still */
    int64_t events[MUIR_KIND_COUNT];     /* injected, spare servers' included */
    int64_t unrecorded;                  /* events of rows with more than the table takes at once */
    int64_t interruptions;               /* failures that stopped the job: unplanned */
    int64_t planned;                     /* planned interruptions and evictions */
    int64_t lost_steps, kept_steps;
    int64_t skipped_batches; /* of the data, after loss spikes */
    int64_t rescues;         /* chains of restarts that a person had to end */
    int64_t migrations;      /* off servers that were seen to fail; part of `planned` */
} muir_goodput;

/* Share of time that was productive; 1 for an empty run. Also called ETTR (effective training time ratio).
 * Local. */
double muir_goodput_share(const muir_goodput *goodput);

/* Mean time between unplanned interruptions of the job, down time included [s]; infinity without one.
 * Local. */
double muir_goodput_mtti_s(const muir_goodput *goodput);

#endif
