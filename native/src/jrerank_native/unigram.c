/* Unigram tokenization: the best way to cut a text into pieces of a vocabulary.
 *
 * It does what the `tokenizers` library does, in the same order and in the same type: scores are added up as doubles from the
 * beginning of each word, and of two ways that are equally good the one that was found first stays. SentencePiece adds floats,
 * and so takes another way every few thousand texts.
 *
 * Text comes as code points. Pieces are looked up in a double-array trie: cell `base + class of the code point` is a node's
 * child if its `parent` is that node. Nothing here changes a finished model, so any number of threads may use it.
 */
#include <stdint.h>
#include <stdlib.h>

#ifdef _WIN32
#define EXPORT __declspec(dllexport)
#else
#define EXPORT __attribute__((visibility("default")))
#endif

#define CODE_POINTS 0x110000
#define MAX_TRIES 16
#define NO_BYTES (-1)

enum { NONE = -1, UNREAD = -2 }; /* no piece ends here; a character that is in no piece */

typedef struct {
    int32_t base, parent, piece;
} Cell;

typedef struct {
    Cell *cells;
    int32_t cells_size;
    int32_t *classes; /* of each code point; 0: in no piece */
    int32_t class_count;
    double *scores;
    double unknown_score;
    int32_t unknown;
    int32_t word_start; /* the code point that begins a word, or -1: a text is one word */
    int32_t bytes[256]; /* the pieces of bytes that are in no other piece; the first is NO_BYTES where there are none */
} Model;

/* A trie as it is built: each node knows its first child and its next sibling. Pieces come in order, so a new child is the last. */
typedef struct {
    int32_t first, last, next, class, piece, children, place;
} Node;

typedef struct {
    Node *nodes;
    int32_t size;
} Tree;

static int tree_of(Tree *tree, const Model *model, const uint32_t *points, const int64_t *bounds, const int32_t *ids, int64_t count) {
    tree->nodes = calloc((size_t)(bounds[count] + 1), sizeof(Node));
    if (!tree->nodes) return 0;
    tree->nodes[0].piece = NONE;
    tree->size = 1;
    for (int64_t i = 0; i < count; i++) {
        Node *at = tree->nodes;
        for (int64_t j = bounds[i]; j < bounds[i + 1]; j++) {
            int32_t class = model->classes[points[j]];
            if (!at->last || tree->nodes[at->last].class != class) {
                int32_t child = tree->size++;
                tree->nodes[child].class = class;
                tree->nodes[child].piece = NONE;
                if (at->last)
                    tree->nodes[at->last].next = child;
                else
                    at->first = child;
                at->last = child;
                at->children++;
            }
            at = tree->nodes + at->last;
        }
        at->piece = ids[i];
    }
    return 1;
}

static int grow(Model *model, int32_t size) {
    if (size <= model->cells_size) return 1;
    int32_t grown = size + size / 2;
    Cell *cells = realloc(model->cells, sizeof(Cell) * (size_t)grown);
    if (!cells) return 0;
    for (int32_t i = model->cells_size; i < grown; i++) cells[i] = (Cell){0, NONE, NONE};
    model->cells = cells;
    model->cells_size = grown;
    return 1;
}

static int fits(const Model *model, const Tree *tree, const Node *node, int32_t base) {
    for (int32_t child = node->first; child; child = tree->nodes[child].next)
        if (model->cells[base + tree->nodes[child].class].parent != NONE) return 0;
    return 1;
}

/* Where the children of a node go: the first place from `from` on where all are free. A place that took many tries is where the
 * next node's search begins. -1: out of memory. */
static int32_t base_of(Model *model, const Tree *tree, const Node *node, int32_t *from) {
    int32_t first_class = tree->nodes[node->first].class, tries = 0;
    while (*from < model->cells_size && model->cells[*from].parent != NONE) ++*from;
    for (int32_t at = *from;; at++) {
        if (!grow(model, at - first_class + model->class_count + 1)) return -1;
        if (model->cells[at].parent != NONE) continue;
        if (fits(model, tree, node, at - first_class)) {
            if (tries > MAX_TRIES) *from = at;
            return at - first_class;
        }
        tries++;
    }
}

static int32_t *by_children(const Tree *tree, int32_t most) {
    int32_t *starts = calloc((size_t)most + 2, sizeof(int32_t));
    int32_t *order = malloc(sizeof(int32_t) * (size_t)tree->size);
    if (starts && order) {
        for (int32_t i = 0; i < tree->size; i++) starts[most - tree->nodes[i].children + 1]++;
        for (int32_t i = 0; i <= most; i++) starts[i + 1] += starts[i];
        for (int32_t i = 0; i < tree->size; i++) order[starts[most - tree->nodes[i].children]++] = i;
    } else {
        free(order);
        order = NULL;
    }
    free(starts);
    return order;
}

/* Nodes with many children first: those with few fit between them. Children are linked to their parent's place afterwards. */
static int place(Model *model, Tree *tree) {
    int32_t *order = by_children(tree, model->class_count);
    int32_t *bases = calloc((size_t)tree->size, sizeof(int32_t));
    int32_t from = model->class_count + 1, end = from; /* so that no base is negative */
    int32_t from_of_one = from;                        /* a lone child fits wherever a cell is free */
    int done = order && bases && grow(model, model->class_count + 2);
    if (done) model->cells[0].parent = UNREAD; /* the root is nobody's child */
    for (int32_t i = 0; done && i < tree->size && tree->nodes[order[i]].children; i++) {
        const Node *node = tree->nodes + order[i];
        int32_t base = base_of(model, tree, node, node->children > 1 ? &from : &from_of_one);
        if (base < 0) {
            done = 0;
            break;
        }
        bases[order[i]] = base;
        for (int32_t child = node->first; child; child = tree->nodes[child].next) {
            int32_t cell = base + tree->nodes[child].class;
            model->cells[cell].parent = 0; /* taken */
            tree->nodes[child].place = cell;
            if (cell >= end) end = cell + 1;
        }
    }
    for (int32_t i = 0; done && i < tree->size; i++) {
        const Node *node = tree->nodes + i;
        Cell *cell = model->cells + node->place;
        cell->piece = node->piece;
        cell->base = bases[i];
        for (int32_t child = node->first; child; child = tree->nodes[child].next)
            model->cells[tree->nodes[child].place].parent = node->place;
    }
    /* No lookup leaves the array: the largest class beyond the largest base */
    done = done && grow(model, end + model->class_count + 1);
    free(order);
    free(bases);
    return done;
}

EXPORT void jrerank_unigram_free(Model *model) {
    if (!model) return;
    free(model->cells);
    free(model->classes);
    free(model->scores);
    free(model);
}

/* A model of `count` pieces in the order of their code points: points[bounds[i]:bounds[i + 1]] is the piece of the id ids[i].
 * scores[id] for each of `vocabulary` ids. `word_start`: the code point that begins a word, -1: none does. `space`: another code
 * point that is read as that one. `bytes`: the ids of 256 bytes, or NULL. NULL: out of memory. */
EXPORT Model *jrerank_unigram_new(const uint32_t *points, const int64_t *bounds, const int32_t *ids, int64_t count,
                                  const double *scores, int64_t vocabulary, double unknown_score, int32_t unknown,
                                  int32_t word_start, int32_t space, int32_t space_read_as, const int32_t *bytes) {
    Tree tree = {NULL, 0};
    Model *model = calloc(1, sizeof(Model));
    if (!model) return NULL;
    model->classes = calloc(CODE_POINTS, sizeof(int32_t));
    model->scores = malloc(sizeof(double) * (size_t)vocabulary);
    model->unknown_score = unknown_score;
    model->unknown = unknown;
    model->word_start = word_start;
    int done = model->classes && model->scores;
    if (done) {
        for (int64_t i = 0; i < vocabulary; i++) model->scores[i] = scores[i];
        for (int i = 0; i < 256; i++) model->bytes[i] = bytes ? bytes[i] : NO_BYTES;
        for (int64_t i = 0; i < bounds[count]; i++)
            if (!model->classes[points[i]]) model->classes[points[i]] = ++model->class_count;
        model->classes[space] = model->classes[space_read_as];
    }
    done = done && tree_of(&tree, model, points, bounds, ids, count) && place(model, &tree);
    free(tree.nodes);
    if (done) return model;
    jrerank_unigram_free(model);
    return NULL;
}

/* The best way to each place of a word. */
typedef struct {
    double score;
    int32_t from, piece;
} Step;

static void offer(Step *step, double score, int32_t from, int32_t piece) {
    if (step->piece == NONE || score > step->score) *step = (Step){score, from, piece};
}

/* `classes` of a word's characters -> steps[1..length]. */
static void find_best(const Model *model, const int32_t *classes, int32_t length, Step *steps) {
    for (int32_t i = 0; i <= length; i++) steps[i].piece = NONE;
    steps[0].score = 0;
    for (int32_t i = 0; i < length; i++) {
        double here = steps[i].score;
        int32_t node = 0, is_read = 0;
        for (int32_t j = i; j < length && classes[j]; j++) {
            int32_t child = model->cells[node].base + classes[j];
            const Cell *cell = model->cells + child;
            if (cell->parent != node) break;
            node = child;
            if (cell->piece == NONE) continue;
            offer(steps + j + 1, model->scores[cell->piece] + here, i, cell->piece);
            if (j == i) is_read = 1;
        }
        if (!is_read) offer(steps + i + 1, model->unknown_score + here, i, UNREAD);
    }
}

static int32_t utf8(uint32_t point, uint8_t *bytes) {
    if (point < 0x80) {
        bytes[0] = (uint8_t)point;
        return 1;
    }
    int32_t size = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    for (int32_t i = size - 1; i > 0; i--, point >>= 6) bytes[i] = (uint8_t)(0x80 | (point & 0x3F));
    bytes[0] = (uint8_t)((0xF00 >> size) | point);
    return size;
}

/* The ids of characters that are in no piece, last one first, as all is written here. */
static int64_t write_unread(const Model *model, const uint32_t *points, int32_t start, int32_t end, int32_t *ids) {
    if (model->bytes[0] == NO_BYTES) {
        ids[0] = model->unknown;
        return 1;
    }
    int64_t size = 0;
    for (int32_t at = end - 1; at >= start; at--) {
        uint8_t bytes[4];
        for (int32_t i = utf8(points[at], bytes) - 1; i >= 0; i--) ids[size++] = model->bytes[bytes[i]];
    }
    return size;
}

static int64_t write_word(const Model *model, const uint32_t *points, int32_t length, const Step *steps, int32_t *ids) {
    int64_t size = 0;
    for (int32_t end = length; end > 0;) {
        int32_t piece = steps[end].piece, start = steps[end].from;
        if (piece != UNREAD && piece != model->unknown) {
            ids[size++] = piece;
        } else {
            /* A run of them is one; the unknown piece's own name, alone, is that piece */
            int32_t runs = 1;
            while (start > 0 && (steps[start].piece == UNREAD || steps[start].piece == model->unknown)) {
                start = steps[start].from;
                runs++;
            }
            if (runs == 1 && piece == model->unknown)
                ids[size++] = piece;
            else
                size += write_unread(model, points, start, end, ids + size);
        }
        end = start;
    }
    for (int64_t i = 0, j = size - 1; i < j; i++, j--) {
        int32_t id = ids[i];
        ids[i] = ids[j];
        ids[j] = id;
    }
    return size;
}

/* The ids of `texts` texts: points[bounds[i]:bounds[i + 1]] -> ids[starts[i]:starts[i + 1]]. `ids` has room for one id a code
 * point, or four where bytes have ids. 0: out of memory. */
EXPORT int32_t jrerank_unigram_encode(const Model *model, const uint32_t *points, const int64_t *bounds, int64_t texts,
                                      int32_t *ids, int64_t *starts) {
    int64_t longest = 0;
    for (int64_t i = 0; i < texts; i++)
        if (bounds[i + 1] - bounds[i] > longest) longest = bounds[i + 1] - bounds[i];
    Step *steps = malloc(sizeof(Step) * (size_t)(longest + 1));
    int32_t *classes = malloc(sizeof(int32_t) * (size_t)(longest + 1));
    int32_t done = steps && classes;
    int32_t word_class = model->word_start < 0 ? -1 : model->classes[model->word_start];
    starts[0] = 0;
    for (int64_t text = 0; done && text < texts; text++) {
        const uint32_t *at = points + bounds[text];
        int32_t length = (int32_t)(bounds[text + 1] - bounds[text]), word = 0;
        int64_t size = starts[text];
        for (int32_t i = 0; i < length; i++) classes[i] = at[i] < CODE_POINTS ? model->classes[at[i]] : 0;
        while (word < length) {
            int32_t end = word + 1;
            while (end < length && classes[end] != word_class) end++;
            find_best(model, classes + word, end - word, steps);
            size += write_word(model, at + word, end - word, steps, ids + size);
            word = end;
        }
        starts[text + 1] = size;
    }
    free(steps);
    free(classes);
    return done;
}
