/* Texts: names and keys, each kept once. They are read where they lie, never asked for. */
#include "heap.h"

#include <string.h>

enum { LONGEST = 160, LONGEST_WORD = 40, DIGITS = 5, HEXADECIMAL = 12 };

static uint32_t hash_letters(const char *letters, size_t length)
{
    uint32_t hash = 2166136261u;
    for (size_t index = 0; index < length; index++)
        hash = (hash ^ (uint8_t)letters[index]) * 16777619u;
    return hash;
}

const char *letters_of(Heap *heap, uint32_t text, size_t *length)
{
    const char *at = heap->letters + heap->text_at.at[text];
    *length = strlen(at);
    return at;
}

static void widen_table(Heap *heap)
{
    size_t slots = heap->text_slots ? heap->text_slots * 2 : 1 << 14;
    uint32_t *table = take(slots * sizeof(uint32_t));
    for (uint32_t text = 1; text < heap->text_at.length; text++) {
        size_t length;
        const char *letters = letters_of(heap, text, &length);
        size_t slot = hash_letters(letters, length) & (slots - 1);
        while (table[slot])
            slot = (slot + 1) & (slots - 1);
        table[slot] = text;
    }
    give_back(heap->text_table, heap->text_slots * sizeof(uint32_t));
    heap->text_table = table;
    heap->text_slots = slots;
}

static uint32_t keep(Heap *heap, const char *letters, size_t length)
{
    size_t needed = heap->letters_length + length + 1;
    if (needed > heap->letters_room) {
        size_t room = heap->letters_room ? heap->letters_room * 2 : 1 << 20;
        heap->letters = widen(heap->letters, heap->letters_room, room);
        heap->letters_room = room;
    }
    memcpy(heap->letters + heap->letters_length, letters, length);
    push(&heap->text_at, (uint32_t)heap->letters_length);
    heap->letters_length = needed;
    return (uint32_t)heap->text_at.length - 1;
}

/* Returns the number of a text; the empty one is 0. Of a long one the end is cut off. */
uint32_t text_of(Heap *heap, const char *letters, size_t length)
{
    if (!heap->text_at.length)
        keep(heap, "", 0);
    if (length > LONGEST)
        length = LONGEST;
    if (!length)
        return 0;
    if (heap->text_at.length * 2 >= heap->text_slots)
        widen_table(heap);
    size_t slot = hash_letters(letters, length) & (heap->text_slots - 1);
    while (heap->text_table[slot]) {
        size_t known;
        const char *other = letters_of(heap, heap->text_table[slot], &known);
        if (known == length && !memcmp(other, letters, length))
            return heap->text_table[slot];
        slot = (slot + 1) & (heap->text_slots - 1);
    }
    return heap->text_table[slot] = keep(heap, letters, length);
}

/* Writes *string* as UTF-8 into *letters*, as far as it goes. */
static size_t encode(PyObject *string, char *letters, size_t room)
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
            letters[length++] = (char)point;
            continue;
        }
        static const uint8_t lead[] = {0, 0xc0, 0xe0, 0xf0};
        int more = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
        letters[length++] = (char)(lead[more] | point >> 6 * more);
        while (more--)
            letters[length++] = (char)(0x80 | (point >> 6 * more & 0x3f));
    }
    return length;
}

uint32_t text_of_string(Heap *heap, PyObject *string)
{
    if (!PyUnicode_Check(string))
        return 0;
    size_t slot = ((uintptr_t)string >> 4) & 4095;
    if (heap->recent[slot].object == string)
        return heap->recent[slot].text;
    char letters[LONGEST + 8];
    uint32_t text = text_of(heap, letters, encode(string, letters, sizeof(letters)));
    heap->recent[slot].object = string;
    heap->recent[slot].text = text;
    return text;
}

static int in_word(uint8_t letter)
{
    return Py_ISALNUM(letter) || (letter && strchr("_.:/ -", letter));
}

static int in_number(uint8_t letter)
{
    return Py_ISXDIGIT(letter) || letter == '-';
}

/* Returns the text of a *key* that names something, 0 of one that may be anybody's: see _WORD in
   the object_path.py of the census, which shows the same ones. */
uint32_t word_of(Heap *heap, PyObject *key)
{
    if (!PyUnicode_CheckExact(key) || !PyUnicode_IS_COMPACT_ASCII(key))
        return 0;
    const uint8_t *letters = PyUnicode_1BYTE_DATA(key);
    Py_ssize_t length = PyUnicode_GET_LENGTH(key);
    if (length < 1 || length > LONGEST_WORD || !(Py_ISALPHA(letters[0]) || letters[0] == '_'))
        return 0;
    int digits = 0, hexadecimal = 0;
    for (Py_ssize_t index = 0; index < length; index++) {
        digits = Py_ISDIGIT(letters[index]) ? digits + 1 : 0;
        hexadecimal = in_number(letters[index]) ? hexadecimal + 1 : 0;
        if (!in_word(letters[index]) || digits >= DIGITS || hexadecimal >= HEXADECIMAL)
            return 0;
    }
    return text_of_string(heap, key);
}

/* Returns the text of module.name, of the name alone where the module says nothing sensible. */
uint32_t dotted(Heap *heap, PyObject *module, PyObject *name)
{
    char letters[2 * LONGEST];
    size_t length = 0;
    if (module && PyUnicode_Check(module)) {
        length = encode(module, letters, LONGEST / 2);
        if (length)
            letters[length++] = '.';
    }
    if (length == 9 && !memcmp(letters, "builtins.", 9))
        length = 0;
    if (name && PyUnicode_Check(name))
        length += encode(name, letters + length, LONGEST);
    return text_of(heap, letters, length);
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
        return dotted(heap, module_of(type), ((PyHeapTypeObject *)type)->ht_qualname);
    const char *name = type->tp_name;
    return text_of(heap, name, strlen(name));
}
