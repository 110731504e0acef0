#include <elf.h>
#include <gelf.h>
#include <libelf.h>
#include <link.h>
