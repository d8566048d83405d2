/* The Python module `bugsly.heap._walker`: checks arguments, starts the child and returns results.
   */
#include "child.h"
#include "snapshot_format.h"

#include <errno.h>
#include <signal.h>

static int is_pair(PyObject *pair)
{
    return PyTuple_CheckExact(pair) && PyTuple_GET_SIZE(pair) == 2 &&
           PyUnicode_CheckExact(PyTuple_GET_ITEM(pair, 0));
}

/* Returns 0 with an exception set, unless *earlier* holds snapshots that a child may read. */
static int are_snapshots(PyObject *earlier)
{
    Py_ssize_t count = PyTuple_GET_SIZE(earlier);
    if (count > MAX_EARLIER_SNAPSHOTS) {
        PyErr_Format(PyExc_TypeError, "earlier: %zd snapshots, %d allowed", count,
                     MAX_EARLIER_SNAPSHOTS);
        return 0;
    }
    for (Py_ssize_t index = 0; index < count; index++) {
        PyObject *bytes = PyTuple_GET_ITEM(earlier, index);
        if (!PyBytes_CheckExact(bytes)) {
            PyErr_Format(PyExc_TypeError, "earlier: snapshot %zd is not bytes", index);
            return 0;
        }
        const char *wrong =
            check_snapshot(PyBytes_AS_STRING(bytes), (size_t)PyBytes_GET_SIZE(bytes));
        if (wrong) {
            PyErr_Format(PyExc_ValueError, "earlier snapshot %zd is damaged: %s", index, wrong);
            return 0;
        }
    }
    return 1;
}

PyDoc_STRVAR(start_doc, "start(descriptor, roots, whole, earlier)\n--\n\n"
                        "Return the pid of a child that walks, and the seconds the fork took.");

static PyObject *start(PyObject *module, PyObject *arguments)
{
    int descriptor, whole;
    PyObject *roots, *earlier;
    (void)module;
    if (!PyArg_ParseTuple(arguments, "iO!pO!:start", &descriptor, &PyList_Type, &roots, &whole,
                          &PyTuple_Type, &earlier))
        return NULL;
    for (Py_ssize_t index = 0; index < PyList_GET_SIZE(roots); index++)
        if (!is_pair(PyList_GET_ITEM(roots, index)))
            return PyErr_Format(PyExc_TypeError, "roots: pairs of a name and an object");
    if (!are_snapshots(earlier))
        return NULL;
    double pause = 0;
    pid_t child = start_child(descriptor, roots, whole, earlier, &pause);
    if (child < 0)
        return PyErr_SetFromErrno(PyExc_OSError);
    return Py_BuildValue("id", (int)child, pause);
}

PyDoc_STRVAR(reap_doc, "reap(pid)\n--\n\n"
                       "Return the wait status of a child that has ended, None of one that runs.");

static PyObject *reap(PyObject *module, PyObject *argument)
{
    int status = 0;
    long child = PyLong_AsLong(argument);
    (void)module;
    if (child == -1 && PyErr_Occurred())
        return NULL;
    int found = reap_child((pid_t)child, &status);
    if (found < 0)
        return PyErr_SetFromErrno(PyExc_OSError);
    if (!found)
        Py_RETURN_NONE;
    return PyLong_FromLong(status);
}

static PyMethodDef methods[] = {
    {"start", start, METH_VARARGS, start_doc},
    {"reap", reap, METH_O, reap_doc},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "bugsly.heap._walker",
    .m_doc = "Walks the heap of this process in a child, without a change to any object.",
    .m_size = -1,
    .m_methods = methods,
};

PyMODINIT_FUNC PyInit__walker(void)
{
    PyObject *plain = PyObject_CallFunction((PyObject *)&PyType_Type, "s(){}", "plain");
    if (!plain)
        return NULL;
    class_instance_traverse = ((PyTypeObject *)plain)->tp_traverse;
    Py_DECREF(plain);
    return PyModule_Create(&definition);
}
