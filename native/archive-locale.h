#pragma once

#include <locale.h>

#include "error.h"

namespace firmwright {

/**
 * Puts the thread into the C locale while it lives.
 *
 * libarchive converts names between UTF-8 and the locale; in the C locale every name that is not ASCII fails
 * to convert and is handed over as the bytes it is, which is what an image needs, on every machine.
 */
class CLocale {
 public:
  CLocale() : locale_(newlocale(LC_ALL_MASK, "C", static_cast<locale_t>(nullptr))) {
    if (locale_ == static_cast<locale_t>(nullptr)) throw systemFailure("take the C locale", "", ENOMEM);
    before_ = uselocale(locale_);
  }
  ~CLocale() {
    uselocale(before_);
    freelocale(locale_);
  }
  CLocale(const CLocale &) = delete;
  CLocale &operator=(const CLocale &) = delete;

 private:
  locale_t locale_, before_;
};

}  // namespace firmwright
