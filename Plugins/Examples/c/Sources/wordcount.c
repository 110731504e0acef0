#include <bothost.h>
