/* SPDX-License-Identifier: BSD-3-Clause */
/* Tags of small XML files, one after the other: enough for lists of steps; no text, no entities. */
#ifndef MUIR_BASE_XML_H
#define MUIR_BASE_XML_H

#include <stdbool.h>

enum { MUIR_XML_NAME = 32, MUIR_XML_ATTRIBUTES = 24, MUIR_XML_VALUE = 96 };

typedef struct muir_xml_tag {
    char name[MUIR_XML_NAME];
    bool is_end;   /* </name> */
    bool is_alone; /* <name/> */
    int line;
    int n;
    char key[MUIR_XML_ATTRIBUTES][MUIR_XML_NAME], value[MUIR_XML_ATTRIBUTES][MUIR_XML_VALUE];
} muir_xml_tag;

/* Reads the next tag of `text`; comments, declarations and text between tags are skipped.
 * line  in/out  of the text, from 1
 * tag   out
 * Returns where to go on, or NULL at the end or where a tag does not end. Local. */
const char *muir_xml_next(const char *text, int *line, muir_xml_tag *tag);

/* The value of an attribute, or NULL; as a whole number, or `otherwise`. Local. */
const char *muir_xml_get(const muir_xml_tag *tag, const char *key);
int muir_xml_int(const muir_xml_tag *tag, const char *key, int otherwise);

#endif
