"""The units of the siunitx package as a person writes them."""

from __future__ import annotations

import re

_LISTED = (
    "yocto=y zepto=z atto=a femto=f pico=p nano=n micro=µ milli=m centi=c deci=d deca=da hecto=h kilo=k mega=M"
    " giga=G tera=T peta=P exa=E metre=m meter=m second=s gram=g kilogram=kg ampere=A kelvin=K mole=mol"
    " candela=cd hertz=Hz newton=N pascal=Pa joule=J watt=W coulomb=C volt=V farad=F ohm=Ω siemens=S weber=Wb"
    " tesla=T henry=H lumen=lm lux=lx becquerel=Bq gray=Gy sievert=Sv celsius=°C degreeCelsius=°C degree=°"
    " minute=min hour=h day=d litre=L liter=L tonne=t electronvolt=eV dalton=Da angstrom=Å bar=bar barn=b"
    " decibel=dB bel=B neper=Np percent=% bit=bit byte=B hartree=Ha bohr=a0 astronomicalunit=au radian=rad"
    " steradian=sr arcminute=′ arcsecond=″ per=/ squared=² cubed=³ nm=nm um=µm mm=mm cm=cm km=km ns=ns us=µs"
    " ms=ms ps=ps fs=fs Hz=Hz kHz=kHz MHz=MHz GHz=GHz THz=THz eV=eV meV=meV keV=keV MeV=MeV GeV=GeV mK=mK uK=µK"
    " mV=mV mW=mW kW=kW"
)
_NAMES = dict(pair.split("=") for pair in _LISTED.split())
_PART = re.compile(r"\\([A-Za-z]+)\s*|\{|\}|([.~])")


def unit_text(written: str) -> str:
    r"""Return what a unit in siunitx's words is: ``\\kilo\\metre\\per\\second`` is km/s."""

    def one(found: re.Match[str]) -> str:
        name = found[1]
        if name in {"square", "cubic"}:
            return ""
        return _NAMES.get(name, name) if name else (" " if found[2] else "")

    return _PART.sub(one, written.strip())
