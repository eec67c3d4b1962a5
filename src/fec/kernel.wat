;; Multiply and add over GF(2^8) on long vectors, 64 bytes a round (Plank, Greenan, Miller: Screaming
;; Fast Galois Field Arithmetic Using Intel SIMD Instructions, FAST 2013): a product with a fixed
;; coefficient is the sum of two look-ups, one for each half of a byte.
;;
;; Memory: 32 bytes of tables for each coefficient from 0 (low halves, then high halves), then the
;; terms of a sum from 8192, 12 bytes each: position, length, coefficient.
(module
  (import "env" "memory" (memory 1))

  (func $product (param $x v128) (param $low v128) (param $high v128) (result v128)
    (v128.xor
      (i8x16.swizzle (local.get $low) (v128.and (local.get $x) (v128.const i8x16 15 15 15 15 15 15 15 15 15 15 15 15 15 15 15 15)))
      (i8x16.swizzle (local.get $high) (i8x16.shr_u (local.get $x) (i32.const 4)))))

  (func $addScaled (export "addScaled") (param $target i32) (param $source i32) (param $length i32) (param $coefficient i32)
    (local $low v128) (local $high v128) (local $mask v128) (local $x v128) (local $end i32)
    (local.set $mask (i8x16.splat (i32.const 15)))
    (local.set $low (v128.load (i32.shl (local.get $coefficient) (i32.const 5))))
    (local.set $high (v128.load offset=16 (i32.shl (local.get $coefficient) (i32.const 5))))
    (local.set $end (i32.add (local.get $source) (local.get $length)))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $source) (local.get $end)))
        (local.set $x (v128.load (local.get $source)))
        (v128.store (local.get $target) (v128.xor (v128.load (local.get $target)) (v128.xor
          (i8x16.swizzle (local.get $low) (v128.and (local.get $x) (local.get $mask)))
          (i8x16.swizzle (local.get $high) (i8x16.shr_u (local.get $x) (i32.const 4))))))
        (local.set $x (v128.load offset=16 (local.get $source)))
        (v128.store offset=16 (local.get $target) (v128.xor (v128.load offset=16 (local.get $target)) (v128.xor
          (i8x16.swizzle (local.get $low) (v128.and (local.get $x) (local.get $mask)))
          (i8x16.swizzle (local.get $high) (i8x16.shr_u (local.get $x) (i32.const 4))))))
        (local.set $x (v128.load offset=32 (local.get $source)))
        (v128.store offset=32 (local.get $target) (v128.xor (v128.load offset=32 (local.get $target)) (v128.xor
          (i8x16.swizzle (local.get $low) (v128.and (local.get $x) (local.get $mask)))
          (i8x16.swizzle (local.get $high) (i8x16.shr_u (local.get $x) (i32.const 4))))))
        (local.set $x (v128.load offset=48 (local.get $source)))
        (v128.store offset=48 (local.get $target) (v128.xor (v128.load offset=48 (local.get $target)) (v128.xor
          (i8x16.swizzle (local.get $low) (v128.and (local.get $x) (local.get $mask)))
          (i8x16.swizzle (local.get $high) (i8x16.shr_u (local.get $x) (i32.const 4))))))
        (local.set $target (i32.add (local.get $target) (i32.const 64)))
        (local.set $source (i32.add (local.get $source) (i32.const 64)))
        (br $next))))

  (func (export "scale") (param $target i32) (param $length i32) (param $coefficient i32)
    (local $low v128) (local $high v128) (local $end i32)
    (local.set $low (v128.load (i32.shl (local.get $coefficient) (i32.const 5))))
    (local.set $high (v128.load offset=16 (i32.shl (local.get $coefficient) (i32.const 5))))
    (local.set $end (i32.add (local.get $target) (local.get $length)))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $target) (local.get $end)))
        (v128.store (local.get $target)
          (call $product (v128.load (local.get $target)) (local.get $low) (local.get $high)))
        (local.set $target (i32.add (local.get $target) (i32.const 16)))
        (br $next))))

  (func (export "addTerms") (param $target i32) (param $count i32)
    (local $term i32) (local $end i32)
    (local.set $term (i32.const 8192))
    (local.set $end (i32.add (i32.const 8192) (i32.mul (local.get $count) (i32.const 12))))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $term) (local.get $end)))
        (call $addScaled (local.get $target)
          (i32.load (local.get $term))
          (i32.load offset=4 (local.get $term))
          (i32.load offset=8 (local.get $term)))
        (local.set $term (i32.add (local.get $term) (i32.const 12)))
        (br $next)))))
