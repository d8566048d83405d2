/* Keeps each name and each key once, under a number. It reads strings where they lie in memory, and
   runs no code of theirs. */
#include "heap.h"

#include "python_attributes.h"

#include <string.h>

enum { MAX_TEXT_LENGTH = 160, MAX_KEY_LENGTH = 40, DIGITS = 5, HEXADECIMAL = 12 };

static uint32_t hash_utf8(const char *utf8, size_t length)
{
    uint32_t hash = 2166136261u;
    for (size_t index = 0; index < length; index++)
        hash = (hash ^ (uint8_t)utf8[index]) * 16777619u;
    return hash;
}

const char *utf8_of(Heap *heap, uint32_t text, size_t *length)
{
    const char *at = heap->utf8 + heap->text_offsets.at[text];
    *length = strlen(at);
    return at;
}

static void widen_table(Heap *heap)
{
    size_t slots = heap->text_slots ? heap->text_slots * 2 : 1 << 14;
    uint32_t *table = allocate(slots * sizeof(uint32_t));
    for (uint32_t text = 1; text < heap->text_offsets.length; text++) {
        size_t length;
        const char *utf8 = utf8_of(heap, text, &length);
        size_t slot = hash_utf8(utf8, length) & (slots - 1);
        while (table[slot])
            slot = (slot + 1) & (slots - 1);
        table[slot] = text;
    }
    release(heap->text_table, heap->text_slots * sizeof(uint32_t));
    heap->text_table = table;
    heap->text_slots = slots;
}

static uint32_t keep(Heap *heap, const char *utf8, size_t length)
{
    size_t needed = heap->utf8_used + length + 1;
    if (needed > heap->utf8_room) {
        size_t room = heap->utf8_room ? heap->utf8_room * 2 : 1 << 20;
        heap->utf8 = reallocate(heap->utf8, heap->utf8_room, room);
        heap->utf8_room = room;
    }
    memcpy(heap->utf8 + heap->utf8_used, utf8, length);
    push(&heap->text_offsets, (uint32_t)heap->utf8_used);
    heap->utf8_used = needed;
    return (uint32_t)heap->text_offsets.length - 1;
}

/* Returns the number of a text, 0 of the empty one. It cuts off the end of a long text. */
uint32_t intern(Heap *heap, const char *utf8, size_t length)
{
    if (!heap->text_offsets.length)
        keep(heap, "", 0);
    if (length > MAX_TEXT_LENGTH)
        length = MAX_TEXT_LENGTH;
    if (!length)
        return 0;
    if (heap->text_offsets.length * 2 >= heap->text_slots)
        widen_table(heap);
    size_t slot = hash_utf8(utf8, length) & (heap->text_slots - 1);
    while (heap->text_table[slot]) {
        size_t known;
        const char *other = utf8_of(heap, heap->text_table[slot], &known);
        if (known == length && !memcmp(other, utf8, length))
            return heap->text_table[slot];
        slot = (slot + 1) & (heap->text_slots - 1);
    }
    return heap->text_table[slot] = keep(heap, utf8, length);
}

/* Writes *string* as UTF-8 into *utf8*, as much as fits in *room*; returns its length in bytes. */
static size_t encode(PyObject *string, char *utf8, size_t room)
{
    size_t length = 0;
    if (!PyUnicode_IS_READY(string))
        return 0;
    Py_ssize_t count = PyUnicode_GET_LENGTH(string);
    for (Py_ssize_t index = 0; index < count && length + 4 < room; index++) {
        Py_UCS4 point = PyUnicode_READ(PyUnicode_KIND(string), PyUnicode_DATA(string), index);
        if (point == 0 || (point >= 0xd800 && point < 0xe000))
            point = '?';
        if (point < 0x80) {
            utf8[length++] = (char)point;
            continue;
        }
        static const uint8_t lead[] = {0, 0xc0, 0xe0, 0xf0};
        int more = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
        utf8[length++] = (char)(lead[more] | point >> 6 * more);
        while (more--)
            utf8[length++] = (char)(0x80 | (point >> 6 * more & 0x3f));
    }
    return length;
}

uint32_t intern_string(Heap *heap, PyObject *string)
{
    if (!PyUnicode_Check(string))
        return 0;
    size_t slot = ((uintptr_t)string >> 4) & (RECENT_TEXTS - 1);
    if (heap->recent[slot].object == string)
        return heap->recent[slot].text;
    char utf8[MAX_TEXT_LENGTH + 8];
    uint32_t text = intern(heap, utf8, encode(string, utf8, sizeof(utf8)));
    heap->recent[slot].object = string;
    heap->recent[slot].text = text;
    return text;
}

static int is_word_character(uint8_t character)
{
    return Py_ISALNUM(character) || (character && strchr("_.:/ -", character));
}

static int is_number_character(uint8_t character)
{
    return Py_ISXDIGIT(character) || character == '-';
}

/* Returns the text of a *key* that is a plain word; 0 for one that may be a person's data. `_WORD`
   in path.py of the census in the agent shows the same keys. */
uint32_t intern_key(Heap *heap, PyObject *key)
{
    if (!PyUnicode_CheckExact(key) || !PyUnicode_IS_COMPACT_ASCII(key))
        return 0;
    const uint8_t *utf8 = PyUnicode_1BYTE_DATA(key);
    Py_ssize_t length = PyUnicode_GET_LENGTH(key);
    if (length < 1 || length > MAX_KEY_LENGTH || !(Py_ISALPHA(utf8[0]) || utf8[0] == '_'))
        return 0;
    int digits = 0, hexadecimal = 0;
    for (Py_ssize_t index = 0; index < length; index++) {
        digits = Py_ISDIGIT(utf8[index]) ? digits + 1 : 0;
        hexadecimal = is_number_character(utf8[index]) ? hexadecimal + 1 : 0;
        if (!is_word_character(utf8[index]) || digits >= DIGITS || hexadecimal >= HEXADECIMAL)
            return 0;
    }
    return intern_string(heap, key);
}

/* Returns the text of module.name; of the name alone if the module is unknown or `builtins`. */
uint32_t dotted_name(Heap *heap, PyObject *module, PyObject *name)
{
    char utf8[2 * MAX_TEXT_LENGTH];
    size_t length = 0;
    if (module && PyUnicode_Check(module)) {
        length = encode(module, utf8, MAX_TEXT_LENGTH / 2);
        if (length)
            utf8[length++] = '.';
    }
    if (length == 9 && !memcmp(utf8, "builtins.", 9))
        length = 0;
    if (name && PyUnicode_Check(name))
        length += encode(name, utf8 + length, MAX_TEXT_LENGTH);
    return intern(heap, utf8, length);
}

static PyObject *module_of(PyTypeObject *type)
{
    PyObject *dict = class_dict(type), *key, *value;
    Py_ssize_t position = 0;
    while (dict && PyDict_Next(dict, &position, &key, &value))
        if (PyUnicode_CheckExact(key) && PyUnicode_CompareWithASCIIString(key, "__module__") == 0)
            return value;
    return NULL;
}

uint32_t type_name(Heap *heap, PyTypeObject *type)
{
    if (type->tp_flags & Py_TPFLAGS_HEAPTYPE)
        return dotted_name(heap, module_of(type), ((PyHeapTypeObject *)type)->ht_qualname);
    const char *name = type->tp_name;
    return intern(heap, name, strlen(name));
}
