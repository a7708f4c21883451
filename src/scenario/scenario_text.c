/* SPDX-License-Identifier: BSD-3-Clause */
/* A scenario as text, with every default filled in. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scenario/inputs.h"

bool muir_scenario_is_length(const char *key)
{
    return strcmp(key, "steps") == 0 || strcmp(key, "days") == 0;
}

/* A text in quotes; one with line ends or other control characters in double quotes, where escapes hold
 * them. */
static void print_quoted(FILE *out, const char *text)
{
    const char *c = text;
    while (*c && (unsigned char)*c >= 32) c++;
    const bool is_plain = *c == '\0';
    fputc(is_plain ? '\'' : '"', out);
    for (c = text; *c; c++) {
        const char *const escape = is_plain ? "'" : "\"\\";
        if ((unsigned char)*c < 32)
            fprintf(out, "\\x%02x", (unsigned)*c);
        else if (strchr(escape, *c))
            fprintf(out, is_plain ? "''" : "\\%c", *c);
        else
            fputc(*c, out);
    }
    fputc(is_plain ? '\'' : '"', out);
}

static void print_sections(FILE *out, const muir_schema *schema, const void *file, const char *indent,
                           bool has_length)
{
    for (int i = 0; i < schema->n_sections; i++) {
        const muir_section *section = &schema->sections[i];
        if (section->name[0]) fprintf(out, "%s%s:\n", indent, section->name);
        for (int k = 0; k < section->n_options; k++) {
            const muir_option *option = &section->options[k];
            char text[MUIR_TEXT_SIZE];
            if (!has_length && muir_scenario_is_length(option->name)) continue;
            muir_option_get(section, option, file, text, sizeof text);
            const bool is_text = option->type == MUIR_OPTION_TEXT || option->type == MUIR_OPTION_NAME;
            fprintf(out, "%s%s%s: ", indent, section->name[0] ? "  " : "", option->name);
            if (is_text)
                print_quoted(out, text);
            else
                fputs(text, out);
            fputc('\n', out);
        }
    }
}

muir_status muir_scenario_text(muir_ctx *ctx, const muir_scenario *scenario, bool has_length, char **text)
{
    char *buffer = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&buffer, &size);
    if (!out) return muir_fail(ctx, MUIR_ERR_MEM, "no memory for the scenario's text");
    fprintf(out, "# muir scenario %s, every default filled in\n", scenario->name);
    print_sections(out, &muir_scenario_schema, scenario, "", has_length);
    for (int i = 1; i < muir_input_count(); i++) {
        const muir_input *input = muir_input_at(i);
        fprintf(out, "# %s\n", input->schema->kind);
        print_sections(out, input->schema, muir_input_file(input, scenario), "# ", true);
    }
    if (fclose(out) != 0) {
        free(buffer);
        return muir_fail(ctx, MUIR_ERR_MEM, "no memory for the scenario's text");
    }
    *text = buffer;
    return MUIR_OK;
}

int64_t muir_scenario_steps(const muir_scenario *scenario, double step_time_s)
{
    if (scenario->run.steps > 0) return scenario->run.steps;
    return scenario->run.days > 0.0 ? (int64_t)ceil(scenario->run.days * 86400.0 / step_time_s) : 200;
}
