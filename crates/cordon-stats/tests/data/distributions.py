"""Makes distributions.csv: tail probabilities to 25 digits, by mpmath (`pip install mpmath`), with none of our formulas
but the definitions. Run: python3 distributions.py > distributions.csv"""

from mpmath import mp, mpf, erfc, sqrt, gammainc, betainc, gamma, exp, pi, quad, inf, binomial, besselk, nstr, log, loggamma

mp.dps = 50


def row(name, *args):
    *parameters, value = args
    print(",".join([name] + [repr(float(p)) for p in parameters] + [nstr(value, 20, strip_zeros=False)]))


def gamma_lower(a, x):
    # The power series: every term is positive.
    a, x = mpf(a), mpf(x)
    term, total, n = mpf(1), mpf(1), 0
    while term > total * mpf(10) ** -40:
        n += 1
        term *= x / (a + n)
        total += term
    return exp(a * log(x) - x - loggamma(a + 1)) * total


def beta_upper(a, b, x):
    # From the other end: one minus the lower tail would cancel.
    return betainc(mpf(b), mpf(a), 0, 1 - mpf(x), regularized=True)


def beta_lower(a, b, x):
    return betainc(mpf(a), mpf(b), 0, mpf(x), regularized=True)


def cramer_upper(x):
    # Anderson and Darling (1952): the series of Bessel functions.
    x = mpf(x)

    def term(k):
        y = (4 * k + 1) ** 2 / (16 * x)
        return gamma(k + mpf(1) / 2) / (gamma(k + 1) * sqrt(pi)) * sqrt(4 * k + 1) * exp(-y) * besselk(mpf(1) / 4, y)

    total, k = mpf(0), 0
    while True:
        part = term(k)
        total += part
        if part < mpf(10) ** -38:
            break
        k += 1
    return 1 - total / (pi * sqrt(x))


def anderson_upper(x):
    # Anderson and Darling (1954): the series of integrals.
    x = mpf(x)
    total, j = mpf(0), 0
    while True:
        t = (4 * j + 1) ** 2 * pi**2 / (8 * x)
        c = (-1) ** j * gamma(j + mpf(1) / 2) / (gamma(mpf(1) / 2) * gamma(j + 1))
        # w = tan-free form: the integrand decays like exp(-t w^2).
        f = lambda w: exp(x / (8 * (w * w + 1)) - t * w * w)
        part = c * (4 * j + 1) * exp(-t) * quad(f, [0, 1 / sqrt(t), 3 / sqrt(t), 12 / sqrt(t)])
        total += part
        if abs(part) < mpf(10) ** -36:
            break
        j += 1
    return 1 - sqrt(2 * pi) / x * total


for z in [-37.0, -8.0, -1.0, 0.0, 0.3, 1.96, 5.0, 12.0, 26.0, 37.5]:
    row("normal_upper", z, erfc(mpf(z) / sqrt(2)) / 2)
for a in [0.25, 0.5, 1.0, 2.5, 17.0, 140.5, 3000.0, 20000.0]:
    for scale in [0.01, 0.4, 0.9, 1.0, 1.05, 1.3, 2.5, 8.0]:
        x = a * scale if a < 1000 else a + (scale - 1) * 4 * a**0.5
        q = gammainc(mpf(a), mpf(x), inf, regularized=True)
        if mpf("1e-290") < q:
            row("gamma_upper", a, x, q)
        p = gamma_lower(a, x)
        if mpf("1e-290") < p:
            row("gamma_lower", a, x, p)
for a, b in [(0.5, 0.5), (0.5, 3.0), (2.0, 7.5), (40.0, 3.0), (700.0, 0.5), (1500.0, 1600.0), (12.0, 90000.0)]:
    for x in [1e-6, 0.01, 0.2, 0.47, 0.5, 0.75, 0.99, 1 - 2.0**-20]:
        low, up = beta_lower(a, b, x), beta_upper(a, b, x)
        if mpf("1e-290") < low:
            row("beta_lower", a, b, x, low)
        if mpf("1e-290") < up:
            row("beta_upper", a, b, x, up)
for df in [1.0, 2.5, 30.0, 1500.0]:
    for t in [1e-5, 0.1, 1.0, 3.0, 12.0, 35.0]:
        row("t_two_sided", t, df, beta_lower(df / 2, 0.5, mpf(df) / (mpf(df) + mpf(t) ** 2)))
for d1, d2 in [(1.0, 10.0), (5.0, 2.0), (40.0, 700.0)]:
    for x in [0.01, 0.8, 1.0, 2.0, 9.0, 60.0]:
        row("f_upper", x, d1, d2, beta_lower(d2 / 2, d1 / 2, mpf(d2) / (mpf(d1) * mpf(x) + mpf(d2))))
for n, p in [(10, 0.3), (1000, 0.02), (100000, 0.5)]:
    for k in sorted({0, 1, int(n * p), int(n * p + 6 * (n * p) ** 0.5), n // 2 + n // 50, n}):
        mass = binomial(n, k) * mpf(p) ** k * (1 - mpf(p)) ** (n - k)
        if mass > mpf("1e-290"):
            row("binomial_mass", k, n, p, mass)
for x in [0.03, 0.06, 0.1, 0.2, 0.46136, 0.74346, 1.5, 3.0, 6.0]:
    row("cramer_von_mises_upper", x, cramer_upper(x))
for x in [0.2, 0.4, 0.8, 1.0, 2.4924, 3.8784, 6.0, 10.0]:
    row("anderson_darling_upper", x, anderson_upper(x))
for z in [0.2, 0.5, 0.9, 1.0, 1.1, 1.358, 2.0, 5.0, 18.0]:
    z = mpf(z)
    row("kolmogorov_limit_upper", z, 2 * sum((-1) ** (k - 1) * exp(-2 * k * k * z * z) for k in range(1, 120)))
