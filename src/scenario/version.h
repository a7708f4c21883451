/* SPDX-License-Identifier: BSD-3-Clause */
/* Version of the YAML library. */
#ifndef MUIR_SCENARIO_VERSION_H
#define MUIR_SCENARIO_VERSION_H

/* Version of libyaml that the program runs with, never NULL. Local. */
const char *muir_yaml_version(void);

#endif
