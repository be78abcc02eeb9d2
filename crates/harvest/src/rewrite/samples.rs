//! Functions of nine languages for the tests of rewrites and mistakes.

use skillbelt_code::Language;

/// Functions with something of everything.
pub const SAMPLES: &[(Language, bool, &str)] = &[
    (
        Language::Python,
        false,
        "def f(items, limit=3):\n    total = 0\n    names = []\n    for item in items:\n        if item > 5 and limit:\n            total += item\n        else:\n            names.append(str(item))\n    while total > 10:\n        total = total - limit\n    try:\n        g(total, names)\n    except ValueError:\n        names.clear()\n    return total if total < 5 else len(names)",
    ),
    (
        Language::Java,
        true,
        "public int f(int[] items, int limit) {\n  int total = 0;\n  int other = 1;\n  for (int i = 0; i < items.length; i++) {\n    total += items[i];\n  }\n  if (total > 5 && limit > 0) {\n    total = g(total, limit);\n  } else {\n    total--;\n  }\n  while (total > 10) {\n    total -= other;\n  }\n  if (limit == 7) {\n    return 0;\n  }\n  return total;\n}",
    ),
    (
        Language::C,
        false,
        "static int f(const int *items, int count)\n{\n    int total = 0;\n    int rc = 1;\n    for (int i = 0; i < count; i++) {\n        total += items[i];\n    }\n    if (rc < 0) {\n        return -1;\n    }\n    while (total > 10 || rc == 2) {\n        total = g(total, rc);\n    }\n    return total;\n}",
    ),
    (
        Language::Cpp,
        true,
        "int f(const std::vector<int> &items, int limit) const {\n  int total = 0;\n  int rest = 1;\n  for (auto item : items) {\n    if (item > limit) { total += item; } else { rest++; }\n  }\n  while (total > 10) { total -= rest; }\n  return g(total, rest);\n}",
    ),
    (
        Language::CSharp,
        true,
        "public int F(int[] items) {\n  int total = 0;\n  int rest = 1;\n  for (int i = 0; i < items.Length; i++) {\n    total += items[i];\n  }\n  if (total > 5) {\n    G(total, rest);\n  } else {\n    rest++;\n  }\n  if (rest == 4) {\n    return rest;\n  }\n  return total;\n}",
    ),
    (
        Language::Go,
        false,
        "func f(items []int, limit int) (int, error) {\n\ttotal := 0\n\trest := 1\n\tfor i := 0; i < len(items); i++ {\n\t\ttotal += items[i]\n\t}\n\tif total > 5 && limit > 0 {\n\t\ttotal = g(total, rest)\n\t} else {\n\t\trest++\n\t}\n\tfor total > 10 {\n\t\ttotal -= rest\n\t}\n\treturn total, nil\n}",
    ),
    (
        Language::Rust,
        false,
        "fn f(items: &[u32], limit: u32) -> u32 {\n    let mut total = 0;\n    let rest = 1;\n    for item in items {\n        if *item > limit && rest == 1 {\n            total += item;\n        } else {\n            total -= 1;\n        }\n    }\n    while total > 10 {\n        total = g(total, limit);\n    }\n    if limit == 7 {\n        return 0;\n    }\n    total\n}",
    ),
    (
        Language::JavaScript,
        false,
        "function f(items, limit) {\n  let total = 0;\n  const rest = 1;\n  for (let i = 0; i < items.length; i++) {\n    total += items[i];\n  }\n  if (total > 5 && limit) {\n    total = g(total, rest);\n  } else {\n    total--;\n  }\n  try {\n    h(total);\n  } catch (error) {\n    log(error);\n  }\n  return total > 3 ? total : rest;\n}",
    ),
    (
        Language::TypeScript,
        true,
        "private f(items: number[], limit: number): number {\n  let total = 0;\n  const rest = 1;\n  for (let i = 0; i < items.length; i++) {\n    total += items[i];\n  }\n  while (total > 10) {\n    total -= rest;\n  }\n  if (limit === 4) {\n    return rest;\n  }\n  return g(total, limit);\n}",
    ),
];
