#include <histedit.h>
#include <stdio.h>

/* libedit is set up through functions of variable arguments, which Swift cannot call; and C's standard streams are variables,
 * which Swift rightly does not trust. */
static inline EditLine *edit_begin(const char *program) { return el_init(program, stdin, stdout, stderr); }
static inline void edit_set_prompt(EditLine *edit, char *(*prompt)(EditLine *)) { el_set(edit, EL_PROMPT, prompt); }
static inline void edit_set_owner(EditLine *edit, void *owner) { el_set(edit, EL_CLIENTDATA, owner); }
static inline void edit_use_emacs_keys(EditLine *edit) { el_set(edit, EL_EDITOR, "emacs"); }
/* Ctrl-C and Ctrl-Z come as keys: a signal between two waits for a key would be lost. */
static inline void edit_take_signal_keys(EditLine *edit) { el_set(edit, EL_SETTY, "-d", "-isig", NULL); }
static inline void edit_prepare_terminal(EditLine *edit, int is_edited) { el_set(edit, EL_PREP_TERM, is_edited); }
static inline void edit_use_history(EditLine *edit, History *lines) { el_set(edit, EL_HIST, history, lines); }
static inline void edit_bind(EditLine *edit, const char *key, const char *function) {
  el_set(edit, EL_BIND, key, function, NULL);
}
static inline void edit_add_function(EditLine *edit, const char *name, const char *help,
                                     unsigned char (*function)(EditLine *, int)) {
  el_set(edit, EL_ADDFN, name, help, function);
}
static inline void *edit_owner(EditLine *edit) {
  void *owner = NULL;
  el_get(edit, EL_CLIENTDATA, &owner);
  return owner;
}
static inline void edit_limit_history(History *lines, int count) {
  HistEvent event;
  history(lines, &event, H_SETSIZE, count);
  history(lines, &event, H_SETUNIQUE, 1);
}
static inline int edit_remember(History *lines, const char *line) {
  HistEvent event;
  return history(lines, &event, H_ENTER, line);
}
static inline int edit_load_history(History *lines, const char *path) {
  HistEvent event;
  return history(lines, &event, H_LOAD, path);
}
static inline int edit_save_history(History *lines, const char *path) {
  HistEvent event;
  return history(lines, &event, H_SAVE, path);
}
