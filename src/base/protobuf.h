/* SPDX-License-Identifier: BSD-3-Clause */
/* The wire format of protocol buffers, as much of it as execution traces need: whole numbers, doubles, texts,
 * messages inside of messages, repeated fields packed or not.
 * Source: "Encoding", protobuf.dev/programming-guides/encoding. */
#ifndef MUIR_BASE_PROTOBUF_H
#define MUIR_BASE_PROTOBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A message that is being written. Start with zeros. */
typedef struct muir_pb {
    uint8_t *data; /* [n] */
    size_t n, room;
    bool is_out_of_memory; /* what is written afterwards is dropped */
} muir_pb;

/* Each appends a field. Local. */
void muir_pb_put_int(muir_pb *pb, int field, uint64_t value);
void muir_pb_put_double(muir_pb *pb, int field, double value);
void muir_pb_put_fixed(muir_pb *pb, int field, uint64_t value); /* of 64 bits */
void muir_pb_put_text(muir_pb *pb, int field, const char *text);
void muir_pb_put_message(muir_pb *pb, int field, const muir_pb *message);
void muir_pb_put_varint(muir_pb *pb,
                        uint64_t value); /* a number alone: the length before a message in a file */
void muir_pb_put_raw(muir_pb *pb, const muir_pb *message); /* its bytes alone, behind such a length */
void muir_pb_free(muir_pb *pb);

/* What is still to be read. */
typedef struct muir_pb_reader {
    const uint8_t *at, *end;
    bool is_damaged; /* a field that does not end, or is of no kind */
} muir_pb_reader;

typedef enum muir_pb_type {
    MUIR_PB_VARINT = 0,
    MUIR_PB_64 = 1,
    MUIR_PB_BYTES = 2,
    MUIR_PB_32 = 5
} muir_pb_type;

typedef struct muir_pb_field {
    int number;
    muir_pb_type type;
    uint64_t value;      /* of numbers; of 64 and 32 bits as they lie there */
    const uint8_t *data; /* [n] of bytes, in what is read */
    size_t n;
} muir_pb_field;

/* Reads the next field; false at the end, or where it is damaged. Local. */
bool muir_pb_next(muir_pb_reader *reader, muir_pb_field *field);

/* Reads a number alone. False at the end or where it is damaged. Local. */
bool muir_pb_varint(muir_pb_reader *reader, uint64_t *value);

/* A field's bytes as something to read, and a number of 64 bits as a double. Local. */
muir_pb_reader muir_pb_inside(const muir_pb_field *field);
double muir_pb_double(const muir_pb_field *field);

#endif
