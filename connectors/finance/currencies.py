"""ISO 4217 codes and how many decimals each currency's minor unit stands for.

Source of fact: ISO 4217 list one (currencies and funds) with the codes withdrawn since 2010, because budgets
of past years still use them. Codes without a minor unit (metals, XDR, XTS, XXX …) cannot hold a budget and
are left out. CLDR (and so Babel) gives other digits for 13 codes (IQD, LAK, RSD …): it lists what people
print, not what is accounted.
"""

from __future__ import annotations

_CODES_BY_EXPONENT = {
    0: "BIF BYR CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: """
        AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD
        CDF CHE CHF CHW CNY COP COU CRC CUC CUP CVE CZK DKK DOP DZD EEK EGP ERN ETB EUR FJD FKP GBP GEL GHS
        GIP GMD GTQ GYD HKD HNL HRK HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL
        LTL LVL MAD MDL MGA MKD MMK MNT MOP MRO MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB
        PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SLL SOS SRD SSP STD STN SVC SYP
        SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN USS UYU UZS VED VEF VES WST XAD XCD XCG YER ZAR ZMK
        ZMW ZWG ZWL
    """,
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}

EXPONENTS: dict[str, int] = {
    code: exponent for exponent, codes in _CODES_BY_EXPONENT.items() for code in codes.split()
}
